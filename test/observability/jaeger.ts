import { getJson } from './http-json.js';
import { eventually } from './waiting.js';

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
  /** Other spans that it says it has to do with. */
  readonly links: readonly SpanReference[];
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly isError: boolean;
  readonly startMs: number;
  readonly durationMs: number;
}

export interface Trace {
  readonly id: string;
  readonly spans: readonly Span[];
  /** All that Jaeger knows of it, as JSON. */
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
  /** Microseconds, as `duration`. */
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

/** What Jaeger's user interface asks for. */
export class Jaeger {
  constructor(readonly url: string) {}

  /** The trace, as far as it has arrived. */
  async trace(id: string): Promise<Trace | undefined> {
    const answer = await getJson<Answer>(`${this.url}/api/traces/${id}`);
    const [found] = answer?.data ?? [];
    return found && readTrace(found);
  }

  /** The trace once `isWhole` says so. */
  async wholeTrace(id: string, what: string, isWhole: (trace: Trace) => boolean): Promise<Trace> {
    let seen: Trace | undefined;
    const look = async (): Promise<Trace | undefined> => {
      seen = await this.trace(id);
      return seen && isWhole(seen) ? seen : undefined;
    };
    return eventually(`${what} in trace ${id}`, look).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; there is\n${seen ? drawTree(seen) : 'nothing'}`);
    });
  }

  /** Traces of a service whose spans carry the attributes, the latest first. */
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

/** In the order of their start. */
export function childrenOf({ spans }: Trace, parent: Span): Span[] {
  return spans
    .filter(({ parentId }) => parentId === parent.id)
    .toSorted((one, other) => one.startMs - other.startMs);
}

/** Spans whose parent is not in the trace. */
export function rootsOf({ spans }: Trace): Span[] {
  const ids = new Set(spans.map(({ id }) => id));
  return spans.filter(({ parentId }) => parentId === undefined || !ids.has(parentId));
}

/** One span a line, each below its parent, for people. */
export function drawTree(trace: Trace): string {
  return outline(trace, rootsOf(trace)).join('\n');
}

function outline(trace: Trace, spans: readonly Span[], depth = 1): string[] {
  return spans.flatMap((span) => [
    `${'  '.repeat(depth)}${span.service} ${span.kind} ${span.name}${span.isError ? ' ERROR' : ''}`,
    ...outline(trace, childrenOf(trace, span), depth + 1),
  ]);
}
