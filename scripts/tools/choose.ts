/**
 * The tools of these names in the order of `tools`; all of them without a name.
 * @throws Error when there is no such tool
 */
export function wanted<T>(names: readonly string[], tools: Readonly<Record<string, T>>): T[] {
  const unknown = names.filter((name) => !Object.hasOwn(tools, name));
  if (unknown.length > 0)
    throw new Error(`no such tool: ${unknown.join(', ')}; there are ${Object.keys(tools).join(', ')}`);
  return Object.entries(tools)
    .filter(([name]) => names.length === 0 || names.includes(name))
    .map(([, tool]) => tool);
}
