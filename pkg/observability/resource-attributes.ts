/**
 * Reads `key=value,key=value` with `,` and `=` inside keys and values percent-encoded, after the
 * OpenTelemetry specification (Resource SDK, OTEL_RESOURCE_ATTRIBUTES).
 * @throws Error when any of it is malformed: all of it is then to be discarded
 */
export function parseResourceAttributes(text: string): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '');
  return Object.fromEntries(pairs.map(parsePair));
}

function parsePair(pair: string): [key: string, value: string] {
  const [key = '', value, ...rest] = pair.split('=').map((part) => decodeURIComponent(part.trim()));
  if (key === '' || value === undefined || rest.length > 0)
    throw new Error(`"${pair}" is not key=value with other "=" and "," percent-encoded`);
  return [key, value];
}
