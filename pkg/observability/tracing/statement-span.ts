import type { Span } from '@opentelemetry/api';
import type { PgRequestHookInformation } from '@opentelemetry/instrumentation-pg';
import {
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_QUERY_TEXT,
} from '@opentelemetry/semantic-conventions';

/**
 * Names the span of a statement according to the OpenTelemetry conventions for database spans
 * (`{db.query.summary}`): `EXECUTE order.accept` for a prepared statement, else the first keyword, such as `COMMIT`.
 */
export function nameStatement(span: Span, { query: { name, text } }: PgRequestHookInformation): void {
  if (!span.isRecording()) return;
  const operation = name === undefined ? firstKeyword(text) : 'EXECUTE';
  const summary = name === undefined ? operation : `${operation} ${name}`;
  span.updateName(summary);
  span.setAttribute(ATTR_DB_OPERATION_NAME, operation);
  span.setAttribute(ATTR_DB_QUERY_SUMMARY, summary);
  // The statement name is sufficient to find the SQL text in the code. The text would be the largest part of the span.
  if (name !== undefined) dropAttributes(span, [ATTR_DB_QUERY_TEXT, 'db.postgresql.plan']);
}

function firstKeyword(text: string): string {
  return (/\w+/.exec(text)?.[0] ?? 'SQL').toUpperCase();
}

function dropAttributes(span: Span, names: readonly string[]): void {
  const attributes = Reflect.get(span, 'attributes') as Record<string, unknown> | undefined;
  for (const name of names) delete attributes?.[name];
}
