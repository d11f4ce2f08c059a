import type pg from 'pg';

/** A statement with the values for its placeholders `$1`, `$2`, … */
export interface BoundStatement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
  /** CUSTOM: the planner sees the values of each execution. Otherwise, PostgreSQL keeps one plan for all values. */
  readonly plan?: 'CUSTOM';
}

/** Binds one value to each named parameter; a missing or superfluous name does not compile. */
export type Statement<Name extends string> = [Name] extends [never]
  ? () => BoundStatement
  : (parameters: { readonly [K in Name]: unknown }) => BoundStatement;

type Letter =
  | ('a' | 'b' | 'c' | 'd' | 'e' | 'f' | 'g' | 'h' | 'i' | 'j' | 'k' | 'l' | 'm')
  | ('n' | 'o' | 'p' | 'q' | 'r' | 's' | 't' | 'u' | 'v' | 'w' | 'x' | 'y' | 'z');

/** The letters at the start of a text. */
type LeadingName<Text extends string, Name extends string = ''> = Text extends `${infer First}${infer Rest}`
  ? Lowercase<First> extends Letter
    ? LeadingName<Rest, `${Name}${First}`>
    : Name
  : Name;

/** The names after every `$` of a text. */
export type ParameterNames<
  Text extends string,
  Names extends string = never,
> = Text extends `${string}$${infer Rest}` ? ParameterNames<Rest, Names | LeadingName<Rest>> : Names;

const texts = new Map<string, string>();

/**
 * Defines an SQL statement with named parameters, prepared once per connection:
 *
 *     const find = sql('stock.find', 'select on_hand from stock where sku = $sku');
 *     await db.query<StockRow>(find({ sku }));
 *
 * A parameter is `$` followed by letters (camel case). The text must be a literal or a template of literals, so that
 * the compiler can derive the parameter names. A statement name has the form `<store>.<verb>`, such as
 * `inventory.reserve_stock`, and is unique in the process, because it must be unique in a PostgreSQL session.
 *
 * @throws Error at start-up when the name already identifies another text, is empty or exceeds 63 bytes (PostgreSQL
 *   truncates longer names), or when the text has a `$` without a parameter name
 */
export function sql<const Text extends string>(
  name: string,
  text: string extends Text ? never : Text,
): Statement<ParameterNames<Text>> {
  register(name, text);
  const names: string[] = [];
  const numbered = text.replaceAll(/\$([A-Za-z]*)/g, (_match, parameter: string) => {
    if (parameter === '') throw new Error(`statement "${name}" has a $ without a parameter name`);
    if (!names.includes(parameter)) names.push(parameter);
    return `$${names.indexOf(parameter) + 1}`;
  });
  const bind = (parameters: Readonly<Record<string, unknown>> = {}): BoundStatement => ({
    name,
    text: numbered,
    values: names.map((parameter) => parameters[parameter]),
  });
  return bind as Statement<ParameterNames<Text>>;
}

/** Makes PostgreSQL plan each execution of a statement for its values, which costs the planning. */
export function withCustomPlan(statement: BoundStatement): BoundStatement {
  return { ...statement, plan: 'CUSTOM' };
}

/** Runs a prepared statement on one connection. A statement without a name is planned for each execution. */
export async function runStatement<Row>(client: pg.ClientBase, statement: BoundStatement): Promise<Row[]> {
  const { rows } = await client.query<pg.QueryResultRow>({
    ...(statement.plan === 'CUSTOM' ? {} : { name: statement.name }),
    text: statement.text,
    values: [...statement.values],
  });
  return rows as Row[];
}

function register(name: string, text: string): void {
  if (name === '' || Buffer.byteLength(name) > 63)
    throw new Error(`statement name "${name}" must have 1 to 63 bytes`);
  const known = texts.get(name);
  if (known !== undefined && known !== text)
    throw new Error(`statement name "${name}" already identifies another text`);
  texts.set(name, text);
}
