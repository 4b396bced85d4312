import { generate } from 'selfsigned'

/** A key and a certificate for localhost, made anew. */
export async function selfSigned(): Promise<{ key: string; cert: string }> {
  const attributes = [{ name: 'commonName', value: 'localhost' }]
  const { private: key, cert } = await generate(attributes, { keyType: 'ec' })
  return { key, cert }
}
