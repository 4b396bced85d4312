import { text, textList } from './setting.ts'

const path = { placeholder: '<path>', default: '', pattern: /./, allowed: 'the path of a file' }
const isScope = (part: string): boolean => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(part)

/** What `tsmcp serve` can be told about who may call. Secrets are in files, never on the command line. */
export const accessSettings = {
  authIssuers: textList({
    flag: '--auth-issuer',
    placeholder: '<url>',
    variables: ['AUTH_ISSUERS'],
    about: 'authorization server whose OAuth tokens are accepted; clients without one are refused',
    defaultText: 'none: everybody may call',
    allowed: 'the https URL of an issuer',
    isAllowed: (part) => /^https?:\/\/\S+$/.test(part),
  }),
  authResource: text({
    flag: '--auth-resource',
    placeholder: '<url>',
    variables: ['AUTH_RESOURCE'],
    about: 'URL of this server as clients know it: the only audience that tokens may have',
    default: '',
    pattern: /^https?:\/\/\S+$/,
    allowed: 'a URL such as https://mcp.example.com/mcp',
  }),
  authScopes: textList({
    flag: '--auth-scope',
    placeholder: '<scope>',
    variables: ['AUTH_SCOPES'],
    about: 'scope that every token must have',
    defaultText: 'none',
    allowed: 'a scope such as mcp',
    isAllowed: isScope,
  }),
  authClientId: text({
    flag: '--auth-client-id',
    placeholder: '<id>',
    variables: ['AUTH_CLIENT_ID'],
    about: 'client id with which the issuer is asked about opaque tokens (introspection)',
    default: '',
    pattern: /^[\x20-\x7e]+$/,
    allowed: 'a client id',
  }),
  authClientSecretFile: text({
    ...path,
    flag: '--auth-client-secret-file',
    variables: ['AUTH_CLIENT_SECRET_FILE'],
    about: 'file with the secret that belongs to the client id',
  }),
  authRevokedFile: text({
    ...path,
    flag: '--auth-revoked-file',
    variables: ['AUTH_REVOKED_FILE'],
    about: 'file with a JSON array of revoked tokens and subjects; read anew when it changes',
  }),
  tlsCert: text({
    ...path,
    flag: '--tls-cert',
    variables: ['TLS_CERT'],
    about: 'certificate of the server, in PEM: speak HTTPS, WSS and TLS; read anew when it changes',
  }),
  tlsKey: text({
    ...path,
    flag: '--tls-key',
    variables: ['TLS_KEY'],
    about: 'key that belongs to the certificate',
  }),
  tlsKeyPassphraseFile: text({
    ...path,
    flag: '--tls-key-passphrase-file',
    variables: ['TLS_KEY_PASSPHRASE_FILE'],
    about: 'file with the passphrase of the key',
  }),
  tlsCa: text({
    ...path,
    flag: '--tls-ca',
    variables: ['TLS_CA'],
    about: 'authorities whose certificates clients must show (mutual TLS)',
  }),
  tlsCrl: text({
    ...path,
    flag: '--tls-crl',
    variables: ['TLS_CRL'],
    about: 'list of revoked certificates of clients',
  }),
  tlsClient: text({
    flag: '--tls-client',
    placeholder: '<whether>',
    variables: ['TLS_CLIENT'],
    about: 'whether clients need a certificate where --tls-ca is given',
    default: 'required',
    pattern: /^(?:required|optional)$/,
    allowed: 'required or optional',
  }),
  tlsClientName: text({
    flag: '--tls-client-name',
    placeholder: '<which>',
    variables: ['TLS_CLIENT_NAME'],
    about:
      'name in its certificate that a client is known by; without --auth-issuer, subject by default',
    default: '',
    pattern: /^(?:subject|common-name|uri|dns|email)$/,
    allowed: 'subject, common-name, uri, dns or email',
  }),
  tlsMin: text({
    flag: '--tls-min',
    placeholder: '<version>',
    variables: ['TLS_MIN'],
    about: 'oldest version of TLS',
    default: '1.3',
    pattern: /^1\.[23]$/,
    allowed: '1.3 or 1.2',
  }),
} as const
