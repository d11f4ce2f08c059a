import { SpanKind, SpanStatusCode, type Attributes } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-node';
import { status } from '@grpc/grpc-js';
import { recordServerSpan } from '../call-record.js';

type StartedSpan = Parameters<SpanProcessor['onStart']>[0];

/**
 * Codes that set the status of a span to error: the list of the OpenTelemetry conventions for gRPC server
 * spans (docs/rpc/grpc.md, `rpc.response.status_code`). For client spans the conventions list every code except OK,
 * but an instrumentation that knows the meaning of a code may deviate (docs/general/recording-errors.md). This list
 * omits NOT_FOUND and FAILED_PRECONDITION, because they are expected responses: the trace of a declined order has
 * no errors.
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

/**
 * Stores server spans in their call records and corrects the status of the spans of `instrumentation-grpc`. The
 * processor must come before the exporting processors.
 */
export function callSpanProcessor(): SpanProcessor {
  return {
    onStart: (span) => {
      if (span.kind === SpanKind.SERVER) recordServerSpan(span);
    },
    onEnding: (span) => {
      if (span.kind === SpanKind.SERVER || span.kind === SpanKind.CLIENT) correctStatus(span);
    },
    onEnd: () => undefined,
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
}

function correctStatus(span: StartedSpan): void {
  const code = codeOf(span);
  if (code === undefined) return;
  if (faults.has(code)) span.setAttribute('error.type', status[code]);
  else if (span.status.code === SpanStatusCode.ERROR) clearStatus(span);
}

function codeOf({ attributes }: { readonly attributes: Attributes }): status | undefined {
  return attributes[statusCode] as status | undefined;
}

/** Replaces the field `status`, because `setStatus` cannot reset an error. */
function clearStatus(span: ReadableSpan): void {
  Reflect.set(span, 'status', { code: SpanStatusCode.UNSET });
}
