<?php
// Pages beside those of SimpleSAMLphp itself.
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (!in_array($path, ['/page', '/force', '/sign-out', '/bye'], true)) {
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
    if ($path === '/force') {
        $sp->login(['ForceAuthn' => true, 'ReturnTo' => '{{.Base}}/page']);
    }
    $sp->requireAuth(['isPassive' => isset($_GET['passive'])]);
} catch (\Exception $e) {
    http_response_code(403);
    exit(get_class($e) . ': ' . $e->getMessage() . "\n");
}
$said = $sp->getAttributes();
$first = function (...$names) use ($said) {
    foreach ($names as $name) {
        if (isset($said[$name])) {
            return implode(';', $said[$name]);
        }
    }
    return '';
};
printf("subject=%s\nname=%s\nemail=%s\n", $sp->getAuthData('saml:sp:NameID')->getValue(),
    $first('name', 'displayName', 'urn:oid:2.16.840.1.113730.3.1.241'), $first('email', 'mail', 'urn:oid:0.9.2342.19200300.100.1.3'));
