import type { ServerSurfaceCall } from '@grpc/grpc-js/build/src/server-call.js';
import { AppError } from '../errors/index.js';
import { bindCallToSpan } from '../observability/call-record.js';
import { methodName } from '../observability/method-name.js';
import type { Admission } from './admission.js';
import { CallContext } from './call-context.js';
import { effectiveDeadline, refuseIfTooLate, type DeadlineLimits } from './deadline.js';
import type { AnyMethod, Handler } from './definition.js';
import { UnreadableMessage } from './message-guard.js';
import { callerNames } from './tls-caller.js';

/** Decides whether a caller may call a method. @throws AppError PERMISSION_DENIED or UNAUTHENTICATED */
export type Authorize = (context: CallContext) => void;

/** What the policies of one server share. */
export interface PolicyDeps extends DeadlineLimits {
  readonly authorize: Authorize;
  readonly admission: { readonly unary: Admission; readonly streams: Admission };
  /** Hears of every failure that is ours rather than the caller's. */
  readonly onFault: (error: unknown, context: CallContext) => void;
}

/** One call on its way to its handler. */
export interface Invocation {
  readonly context: CallContext;
  readonly handler: Handler<never, unknown>;
  readonly request: unknown;
  /** The parsed request, once validated. */
  input?: unknown;
}

type Policy = (invocation: Invocation, deps: PolicyDeps) => void;

/**
 * What stands between the wire and a handler, in this order, inside the server span. Before it the
 * request context is made; around it failures are mapped to statuses; after it the handler runs.
 */
export const policies: Readonly<Record<'deadline' | 'authorization' | 'validation', Policy>> = {
  deadline: ({ context }) => refuseIfTooLate(context.deadline, Date.now()),
  authorization: ({ context }, { authorize }) => authorize(context),
  validation: (invocation) => {
    const { request, handler } = invocation;
    if (request instanceof UnreadableMessage) throw request.error;
    invocation.input = handler.parse(request as never);
  },
};

const order = Object.values(policies);

/** Makes the request context of a call. */
export function contextOf(call: ServerSurfaceCall, method: AnyMethod, deps: PolicyDeps): CallContext {
  bindCallToSpan();
  const asked = call.getDeadline();
  const requested = asked instanceof Date ? asked.getTime() : asked;
  const context = new CallContext({
    method: methodName(method.path),
    metadata: call.metadata,
    peer: call.getPeer(),
    callerNames: callerNames(call),
    deadline: effectiveDeadline({ requested, isStream: method.responseStream, now: Date.now() }, deps),
  });
  call.once('cancelled', () => {
    // grpc-js says so at the end of every call, also of those that were answered.
    if (!context.isSettled) context.abort(callerHungUp());
  });
  return context;
}

function callerHungUp(): AppError {
  return new AppError({ reason: 'CANCELLED', message: 'the caller hung up' });
}

/** Runs the policies and then the handler. @throws whatever refuses */
export function invoke(invocation: Invocation, deps: PolicyDeps): unknown {
  for (const policy of order) policy(invocation, deps);
  return invocation.handler.handle(invocation.input, invocation.context);
}
