import { createHmac } from 'node:crypto';

/** Prefix of Standard Webhooks secrets; the key follows in base64. */
const ENCODED_SECRET = 'whsec_';

export interface SignedMessage {
  id: string;
  /** Seconds since 1970. */
  timestamp: number;
  body: string;
}

/** The `webhook-signature` of a message (www.standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`, in base64. */
export function signatureOf({ id, timestamp, body }: SignedMessage, secret: string): string {
  const key = secret.startsWith(ENCODED_SECRET) ? Buffer.from(secret.slice(ENCODED_SECRET.length), 'base64') : secret;
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
