import type { EventEmitter } from 'node:events';
import { recordCallContext, methodName } from '../../observability/index.js';
import type { Admission } from './admission.js';
import { CallContext, type Authorize, type ServerCall } from './call-context.js';
import { assertBudget, effectiveDeadline, type DeadlineLimits } from './deadline.js';
import type { AnyMethod, Handler } from '../definition.js';
import { UnreadableMessage } from './message-guard.js';
import { callerNames } from '../tls/authorization.js';

/** Dependencies of the policies, shared by all calls of a server. */
export interface PolicyDeps extends DeadlineLimits {
  readonly authorize: Authorize;
  readonly admission: { readonly unary: Admission; readonly streams: Admission };
  /** Called for every failure of the server or of a dependency. */
  readonly onFault: (error: unknown, context: CallContext) => void;
}

/** Input of the policies and the handler. */
export interface Invocation {
  readonly context: CallContext;
  readonly handler: Handler<never, unknown>;
  readonly request: unknown;
  /** Result of `Handler.parse`, set by the validation policy. */
  input?: unknown;
}

type Policy = (invocation: Invocation, deps: PolicyDeps) => void;

/**
 * The policies of a call, in the sequence in which they run. They run while the server span is active. The adapter
 * creates the `CallContext` before the first policy and converts errors of the policies to statuses. The handler runs
 * after the last policy.
 */
export const policies: Readonly<Record<'deadline' | 'authorization' | 'validation', Policy>> = {
  deadline: ({ context }) => assertBudget(context.deadline, Date.now()),
  authorization: ({ context }, { authorize }) => authorize(context),
  validation: (invocation) => {
    const { request, handler } = invocation;
    if (request instanceof UnreadableMessage) throw request.error;
    invocation.input = handler.parse(request as never);
  },
};

const policySequence = Object.values(policies);

export function contextOf(call: ServerCall, method: AnyMethod, deps: PolicyDeps): CallContext {
  recordCallContext();
  const { path, responseStream: isStream } = method;
  const requested = requestedDeadline(call);
  const context = new CallContext({
    ...originOf(call),
    method: methodName(path),
    deadline: effectiveDeadline({ requested, isStream, now: Date.now() }, deps),
  });
  onCancelled(call, () => context.cancel());
  return context;
}

/** Returns what all requests of a call have in common. */
export function originOf(call: ServerCall): Pick<CallContext, 'metadata' | 'peer' | 'callerNames'> {
  return { metadata: call.metadata, peer: call.getPeer(), callerNames: callerNames(call) };
}

/** Returns the deadline of the caller in milliseconds since the epoch; Infinity when the caller sets no deadline. */
export function requestedDeadline(call: ServerCall): number {
  const deadline = call.getDeadline();
  return deadline instanceof Date ? deadline.getTime() : deadline;
}

/** Calls `listener` when the call ends. grpc-js emits this event at the end of every call, even after a response. */
export function onCancelled(call: EventEmitter, listener: () => void): void {
  call.once('cancelled', listener);
}

/**
 * Runs the policies and then the handler.
 * @throws AppError of the policy that rejects the call
 */
export function invoke(invocation: Invocation, deps: PolicyDeps): unknown {
  for (const policy of policySequence) policy(invocation, deps);
  return invocation.handler.handle(invocation.input, invocation.context);
}
