/** A complete response. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed body; undefined if it is not JSON. */
  json: unknown;
}

/** An error body (contract 0.4 R2). */
export interface Refusal {
  detail: string;
  code: string;
  errors?: { path: string; message: string }[];
}

/** Sends one request without a client library. */
export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parse(text) };
}

/** Sends a request with a JSON body; POST by default. */
export const sendJson = (url: string, body: unknown, init: RequestInit = {}): Promise<Answer> =>
  send(url, {
    method: 'POST',
    body: JSON.stringify(body),
    ...init,
    headers: { 'content-type': 'application/json', ...(init.headers as Record<string, string>) },
  });

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
