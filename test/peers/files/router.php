<?php
// Pages beside those of SimpleSAMLphp itself.
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (!in_array($path, ['/page', '/sign-out', '/bye'], true)) {
    return false;
}
require '/usr/share/simplesamlphp/lib/_autoload.php';
header('Content-Type: text/plain');
if ($path === '/bye') {
    exit("bye\n");
}
try {
    $sp = new \SimpleSAML\Auth\Simple('sp');
    if ($path === '/sign-out') {
        $sp->logout('{{.Base}}/bye');
    }
    $sp->requireAuth(['isPassive' => isset($_GET['passive'])]);
} catch (\Exception $e) {
    http_response_code(403);
    exit(get_class($e) . ': ' . $e->getMessage() . "\n");
}
$said = $sp->getAttributes();
printf("subject=%s\nname=%s\nemail=%s\n", $sp->getAuthData('saml:sp:NameID')->getValue(),
    implode(';', $said['name'] ?? $said['displayName'] ?? []), implode(';', $said['email'] ?? $said['mail'] ?? []));
