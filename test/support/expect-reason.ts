import { expect } from 'chai';
import { AppError } from '../../pkg/errors/app-error.js';
import type { Reason } from '../../pkg/errors/reason.js';

/** Expects `call` to reject with an AppError with `reason` and returns the error. */
export async function expectReason(call: Promise<unknown>, reason: Reason): Promise<AppError> {
  const error = await failureOf(call);
  expect(error).to.be.instanceOf(AppError);
  expect(error).to.have.property('reason', reason);
  return error as AppError;
}

/** Expects `call` to reject with an Error and returns the error. */
export async function failureOf(call: Promise<unknown>): Promise<Error> {
  const failure = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure instanceof Error) return failure;
  throw new Error('expected the call to fail');
}
