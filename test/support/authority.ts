import { webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  type GeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
} from '@peculiar/x509'

export interface Issued {
  readonly cert: string
  readonly key: string
  readonly certificate: X509Certificate
}

export interface CertificateParts {
  name: string
  /** Alternative names, by their kind. */
  names?: readonly { type: 'dns' | 'url' | 'email' | 'ip'; value: string }[]
  /** Milliseconds since 1970. Default: an hour from now. */
  notAfterMs?: number
}

type KeyPair = webcrypto.CryptoKeyPair

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const hourMs = 3_600_000

/** An authority that gives certificates to servers and clients, and takes them back. */
export class Authority {
  readonly #keys: KeyPair
  readonly #certificate: X509Certificate
  readonly #revoked: string[] = []
  #nextSerial = 16

  constructor(keys: KeyPair, certificate: X509Certificate) {
    this.#keys = keys
    this.#certificate = certificate
  }

  /** The certificate of the authority, in PEM. */
  get ca(): string {
    return this.#certificate.toString('pem')
  }

  async issue({ name, names = [], notAfterMs }: CertificateParts): Promise<Issued> {
    const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
      'sign',
      'verify',
    ])) as KeyPair
    const certificate = await X509CertificateGenerator.create(
      {
        serialNumber: (this.#nextSerial++).toString(16),
        subject: name,
        issuer: this.#certificate.subject,
        notBefore: new Date(Date.now() - hourMs * 24),
        notAfter: new Date(notAfterMs ?? Date.now() + hourMs),
        publicKey: keys.publicKey,
        signingKey: this.#keys.privateKey,
        signingAlgorithm: algorithm,
        extensions:
          names.length === 0
            ? []
            : [new SubjectAlternativeNameExtension(names as unknown as GeneralName[])],
      },
      webcrypto as never,
    )
    const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey as never)
    const key = PemConverter.encode(pkcs8, 'PRIVATE KEY')
    return { cert: certificate.toString('pem'), key, certificate }
  }

  revoke({ certificate }: Issued): void {
    this.#revoked.push(certificate.serialNumber)
  }

  /** The list of what has been taken back, in PEM. */
  async crl(nextUpdateMs = Date.now() + hourMs): Promise<string> {
    const list = await X509CrlGenerator.create(
      {
        issuer: this.#certificate.subject,
        thisUpdate: new Date(Date.now() - hourMs * 24),
        nextUpdate: new Date(nextUpdateMs),
        entries: this.#revoked.map((serialNumber) => ({
          serialNumber,
          revocationDate: new Date(Date.now() - 1000),
        })),
        signingKey: this.#keys.privateKey,
        signingAlgorithm: algorithm,
      },
      webcrypto as never,
    )
    // The label by which OpenSSL knows it.
    return list.toString('pem').replaceAll('CRL-----', 'X509 CRL-----')
  }
}

export async function startAuthority(name = 'CN=Test Authority'): Promise<Authority> {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as KeyPair
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: '01',
      name,
      notBefore: new Date(Date.now() - hourMs * 24),
      notAfter: new Date(Date.now() + hourMs * 24),
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      ],
    },
    webcrypto as never,
  )
  return new Authority(keys, certificate)
}

/** The names under which this machine is reached. */
export const localNames = [
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
] as const
