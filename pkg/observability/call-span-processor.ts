import { SpanKind, SpanStatusCode, type Attributes } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-node';
import { status } from '@grpc/grpc-js';
import { bindCallToServerSpan } from './call-record.js';

type StartedSpan = Parameters<SpanProcessor['onStart']>[0];

/**
 * Codes that make a span an error: those that the OpenTelemetry conventions for gRPC name for server
 * spans (docs/rpc/grpc.md, `rpc.response.status_code`). For client spans the conventions would have
 * every code but OK; but they also let who knows more about a call decide (docs/general/recording-errors.md),
 * and here NOT_FOUND or FAILED_PRECONDITION is an answer that the caller acts on. A declined order is no
 * error, so no span of it is one.
 */
const faults: ReadonlySet<unknown> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

const statusCode = 'rpc.grpc.status_code';

/** Completes the spans that `instrumentation-grpc` makes. Goes before the processors that export. */
export function callSpanProcessor(): SpanProcessor {
  return {
    onStart: (span) => {
      if (span.kind === SpanKind.SERVER) bindCallToServerSpan(span);
    },
    onEnding: (span) => {
      if (span.kind === SpanKind.SERVER || span.kind === SpanKind.CLIENT) conclude(span);
    },
    onEnd: () => undefined,
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
}

function conclude(span: StartedSpan): void {
  const code = codeOf(span);
  if (code === undefined) return;
  if (faults.has(code)) span.setAttribute('error.type', status[code]);
  else if (span.status.code === SpanStatusCode.ERROR) clearStatus(span);
}

function codeOf({ attributes }: { readonly attributes: Attributes }): status | undefined {
  return attributes[statusCode] as status | undefined;
}

/** `setStatus` cannot take an error back. */
function clearStatus(span: ReadableSpan): void {
  Reflect.set(span, 'status', { code: SpanStatusCode.UNSET });
}
