import { getJson } from './http-json.js';
import { waitFor } from '../../support/wait-for.js';

export interface SpanReference {
  readonly traceId: string;
  readonly spanId: string;
}

export interface Span {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  readonly kind: string;
  readonly parentId: string | undefined;
  readonly links: readonly SpanReference[];
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly isError: boolean;
  readonly startMs: number;
  readonly durationMs: number;
}

export interface Trace {
  readonly id: string;
  readonly spans: readonly Span[];
  /** The trace in the format of Jaeger, as JSON. */
  readonly text: string;
}

interface RawReference {
  readonly refType: 'CHILD_OF' | 'FOLLOWS_FROM';
  readonly traceID: string;
  readonly spanID: string;
}

interface RawSpan {
  readonly traceID: string;
  readonly spanID: string;
  readonly operationName: string;
  readonly references: readonly RawReference[];
  readonly tags: readonly { readonly key: string; readonly value: string | number | boolean }[];
  /** Microseconds; `duration` has the same unit. */
  readonly startTime: number;
  readonly duration: number;
  readonly processID: string;
}

interface RawTrace {
  readonly traceID: string;
  readonly spans: readonly RawSpan[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

interface Answer {
  readonly data: readonly RawTrace[] | null;
}

/** Client of the API behind Jaeger's user interface. */
export class Jaeger {
  constructor(readonly url: string) {}

  /** Returns the trace with the spans that Jaeger has received so far. */
  async trace(id: string): Promise<Trace | undefined> {
    const answer = await getJson<Answer>(`${this.url}/api/traces/${id}`);
    const [found] = answer?.data ?? [];
    return found && readTrace(found);
  }

  /** Waits until `isWhole` accepts the trace. */
  async wholeTrace(id: string, what: string, isWhole: (trace: Trace) => boolean): Promise<Trace> {
    let seen: Trace | undefined;
    const look = async (): Promise<Trace | undefined> => {
      seen = await this.trace(id);
      return seen && isWhole(seen) ? seen : undefined;
    };
    const pace = { timeoutMs: 20_000, intervalMs: 250 };
    return waitFor(look, `${what} in trace ${id}`, pace).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; Jaeger has\n${seen ? drawTree(seen) : 'no such trace'}`);
    });
  }

  /** Searches the last hour for traces in which a span of the service has the attributes. The latest trace is the first. */
  async search(service: string, attributes: Readonly<Record<string, string>>): Promise<Trace[]> {
    const query = { service, limit: '100', lookback: '1h', tags: JSON.stringify(attributes) };
    const { data } = (await getJson<Answer>(`${this.url}/api/traces`, query)) ?? { data: [] };
    return (data ?? []).map(readTrace);
  }
}

function readTrace(raw: RawTrace): Trace {
  return {
    id: raw.traceID,
    spans: raw.spans.map((span) => readSpan(span, raw.processes)),
    text: JSON.stringify(raw),
  };
}

function readSpan(raw: RawSpan, processes: RawTrace['processes']): Span {
  const attributes = Object.fromEntries(raw.tags.map(({ key, value }) => [key, value]));
  const parent = raw.references.find((one) => one.refType === 'CHILD_OF' && one.traceID === raw.traceID);
  return {
    id: raw.spanID,
    name: raw.operationName,
    service: processes[raw.processID]?.serviceName ?? '',
    kind: String(attributes['span.kind'] ?? 'internal'),
    parentId: parent?.spanID,
    links: raw.references
      .filter((one) => one !== parent)
      .map(({ traceID, spanID }) => ({ traceId: traceID, spanId: spanID })),
    attributes,
    isError: attributes['error'] === true || attributes['otel.status_code'] === 'ERROR',
    startMs: raw.startTime / 1000,
    durationMs: raw.duration / 1000,
  };
}

/** Returns the child spans in the order of their start. */
export function childrenOf({ spans }: Trace, parent: Span): Span[] {
  return spans
    .filter(({ parentId }) => parentId === parent.id)
    .toSorted((one, other) => one.startMs - other.startMs);
}

/** Returns the spans without a parent in the trace. */
export function rootsOf({ spans }: Trace): Span[] {
  const ids = new Set(spans.map(({ id }) => id));
  return spans.filter(({ parentId }) => parentId === undefined || !ids.has(parentId));
}

/** Draws one line for each span, below the line of its parent. */
export function drawTree(trace: Trace): string {
  return outline(trace, rootsOf(trace)).join('\n');
}

function outline(trace: Trace, spans: readonly Span[], depth = 1): string[] {
  return spans.flatMap((span) => [
    `${'  '.repeat(depth)}${span.service} ${span.kind} ${span.name}${span.isError ? ' ERROR' : ''}`,
    ...outline(trace, childrenOf(trace, span), depth + 1),
  ]);
}
