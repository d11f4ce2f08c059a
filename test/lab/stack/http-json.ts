const limitMs = 10_000;

/**
 * Fetches JSON. Returns undefined for the status 404.
 * @throws Error with the status and the body of any other failed response
 */
export async function getJson<T>(
  url: string,
  query: Readonly<Record<string, string>> = {},
): Promise<T | undefined> {
  const address = new URL(url);
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  const response = await fetch(address, { signal: AbortSignal.timeout(limitMs) });
  if (response.status === 404) return undefined;
  const text = await response.text();
  if (!response.ok) throw new Error(`${address.href} answers ${response.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text) as T;
}

/** Returns whether the URL answers with a status that means success. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(limitMs) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
