<?php
// SimpleSAMLphp on loopback, with everything in one folder.
$config = [
    'baseurlpath' => '{{.Base}}/',
    'certdir' => '{{.Folder}}/',
    'metadatadir' => '{{.Folder}}/',
    'loggingdir' => '{{.Folder}}/',
    'datadir' => '{{.Folder}}/',
    'tempdir' => '{{.Folder}}/temp',
    'secretsalt' => '{{.Salt}}',
    'auth.adminpassword' => '{{.Salt}}',
    'timezone' => 'UTC',
    'trusted.url.domains' => null,
    'showerrors' => true,
    'errorreporting' => false,
    'debug' => ['saml' => false, 'backtraces' => true, 'validatexml' => true],
    'logging.level' => SimpleSAML\Logger::NOTICE,
    'logging.handler' => 'file',
    'logging.logfile' => 'simplesamlphp.log',
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'language.cookie.secure' => false,
    'language.cookie.samesite' => null,
    'session.phpsession.savepath' => '{{.Folder}}',
    'language.available' => ['en'],
    'language.default' => 'en',
    'metadata.sources' => array_merge(
        [['type' => 'flatfile']],
        array_map(function ($file) { return ['type' => 'xml', 'file' => $file]; }, glob('{{.Folder}}/remote.xml'))
    ),
    'store.type' => 'phpsession',
];
