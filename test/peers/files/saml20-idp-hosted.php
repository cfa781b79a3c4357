<?php
$metadata['{{.Base}}/idp'] = [
    'host' => '__DEFAULT__',
    'privatekey' => 'key.pem',
    'certificate' => 'certificate.pem',
    'auth' => 'people',
    'userid.attribute' => 'uid',
    'SingleSignOnServiceBinding' => [SAML2\Constants::BINDING_HTTP_REDIRECT, SAML2\Constants::BINDING_HTTP_POST],
    'SingleLogoutServiceBinding' => [SAML2\Constants::BINDING_HTTP_REDIRECT, SAML2\Constants::BINDING_HTTP_POST],
    'logouttype' => 'traditional',
    'validate.authnrequest' => true,
    'validate.logout' => true,
    'sign.logout' => true,
    'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    'authproc' => [
        1 => ['class' => 'saml:PersistentNameID', 'attribute' => 'uid'],
        2 => ['class' => 'saml:TransientNameID'],
    ],
];
$metadata['{{.Base}}/idp'] = json_decode(file_get_contents('{{.Folder}}/settings.json'), true) + $metadata['{{.Base}}/idp'];
