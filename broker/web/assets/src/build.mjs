// Compiles main.scss into ../councilid.css. Run it after a change of main.scss
// or of GOV.UK Frontend's version, and commit the result:
//
//   npm ci && npm run build
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { compile, NodePackageImporter } from "sass";

const { version } = JSON.parse(readFileSync("node_modules/govuk-frontend/package.json", "utf8"));
// A test compares the sum, so that the result is not left behind.
const sources = ["main.scss", "package-lock.json"].map((name) => readFileSync(name));
const sum = createHash("sha256").update(Buffer.concat(sources)).digest("hex");
const notice = `/*!
 * Built from assets/src ${sum}
 *
 * Made from GOV.UK Frontend ${version}, which is
 * Copyright (C) 2011 Crown Copyright (Government Digital Service)
 *
 * Permission is hereby granted, free of charge, to any person obtaining a copy
 * of this software and associated documentation files (the "Software"), to
 * deal in the Software without restriction, including without limitation the
 * rights to use, copy, modify, merge, publish, distribute, sublicense, and/or
 * sell copies of the Software, and to permit persons to whom the Software is
 * furnished to do so, subject to the following conditions:
 *
 * The above copyright notice and this permission notice shall be included in
 * all copies or substantial portions of the Software.
 *
 * THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
 * IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
 * FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
 * AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
 * LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING
 * FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS
 * IN THE SOFTWARE.
 */
`;

const { css } = compile("main.scss", {
  style: "compressed",
  importers: [new NodePackageImporter()],
});
writeFileSync("../councilid.css", notice + css.replace(/^\uFEFF/, "") + "\n");
