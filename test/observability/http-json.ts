const limitMs = 10_000;

/**
 * The JSON at an address, undefined where there is nothing (404).
 * @throws Error with what the server says when it refuses
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

/** Whether the address answers without a fault. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(limitMs) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
