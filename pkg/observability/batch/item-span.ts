import { SpanStatusCode, trace, type Context, type Span, type SpanKind } from '@opentelemetry/api';
import { status } from '@grpc/grpc-js';

export interface ItemSpanOptions {
  /** Name of the unary method without a leading slash. */
  readonly method: string;
  readonly kind: SpanKind;
  /** Context with the span of the caller. */
  readonly parent: Context;
  /** Milliseconds since the epoch; default: the current time. */
  readonly startTime?: number;
}

/** Starts the span of an item, with the name and the attributes that `instrumentation-grpc` gives to a unary call. */
export function startItemSpan({ method, kind, parent, startTime }: ItemSpanOptions): Span {
  const separator = method.indexOf('/');
  const attributes = {
    'rpc.system': 'grpc',
    'rpc.method': method.slice(separator + 1),
    'rpc.service': method.slice(0, separator),
  };
  const options = { kind, attributes, ...(startTime === undefined ? {} : { startTime }) };
  return trace.getTracer('rpc').startSpan(`grpc.${method}`, options, parent);
}

/** Final status of an item. */
export interface ItemStatus {
  readonly code: status;
  readonly details: string;
  /** Name of the error for the span; unused for OK. */
  readonly errorName?: string;
}

/** Ends the span as `instrumentation-grpc` does; {@link callSpanProcessor} then corrects its status. */
export function endItemSpan(span: Span, { code, details, errorName = 'Error' }: ItemStatus): void {
  if (span.isRecording()) {
    span.setAttribute('rpc.grpc.status_code', code);
    if (code !== status.OK) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: details });
      span.setAttributes({ 'grpc.error_name': errorName, 'grpc.error_message': details });
    }
  }
  span.end();
}
