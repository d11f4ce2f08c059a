import { expect } from 'chai';
import { AppError } from '../../errors/app-error.js';
import type { Reason } from '../../errors/reason.js';

/** Waits for a call to fail as `reason`, and returns the failure. */
export async function expectReason(call: Promise<unknown>, reason: Reason): Promise<AppError> {
  const error = await failureOf(call);
  expect(error).to.be.instanceOf(AppError);
  expect(error).to.have.property('reason', reason);
  return error as AppError;
}

/** Waits for a call to fail, and returns what it threw. */
export async function failureOf(call: Promise<unknown>): Promise<Error> {
  const failure = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure instanceof Error) return failure;
  throw new Error('expected the call to fail');
}
