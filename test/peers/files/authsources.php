<?php
$remote = glob('{{.Folder}}/remote.xml');
$config = [
    'people' => [
        'exampleauth:UserPass',
        'alice:alice' => [
            'uid' => ['alice'], 'displayName' => ['Alice Jane Morgan'], 'mail' => ['alice.morgan@example.org'],
            'groups' => ['planning', 'housing & homes'],
        ],
        'carys:carys' => ['uid' => ['carys'], 'displayName' => ['Carys Ŵyn'], 'mail' => ['carys@example.org'], 'groups' => ['planning']],
    ],
];
if ($remote) {
    $config['sp'] = json_decode(file_get_contents('{{.Folder}}/settings.json'), true) + [
        'saml:SP',
        'entityID' => '{{.Base}}/sp',
        'idp' => preg_match('/entityID="([^"]*)"/', file_get_contents($remote[0]), $found) ? $found[1] : null,
        'privatekey' => 'key.pem',
        'certificate' => 'certificate.pem',
        'NameIDPolicy' => false,
        'SingleLogoutServiceBinding' => [SAML2\Constants::BINDING_HTTP_REDIRECT, SAML2\Constants::BINDING_HTTP_POST],
        'sign.logout' => true,
        'validate.logout' => true,
    ];
}
