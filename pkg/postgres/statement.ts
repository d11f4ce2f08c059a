/** One SQL statement, prepared once a connection under its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

const texts = new Map<string, string>();

/**
 * Names a statement. Names are global to a process, as they are to a PostgreSQL session:
 * write them as `<store>.<verb>`, such as `inventory.reserve_stock`.
 *
 * @throws Error when the name already stands for another text, is empty or is longer than the
 *   63 bytes PostgreSQL keeps of a name
 */
export function sql(name: string, text: string): Statement {
  if (name === '' || Buffer.byteLength(name) > 63) {
    throw new Error(`statement name "${name}" must be of 1 to 63 bytes`);
  }
  const known = texts.get(name);
  if (known !== undefined && known !== text) {
    throw new Error(`statement name "${name}" already stands for another text`);
  }
  texts.set(name, text);
  return { name, text };
}
