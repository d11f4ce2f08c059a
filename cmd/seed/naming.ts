import { AppError, isAppError } from '../../pkg/errors/index.js';

/**
 * Whoever reads the message must know which service to look after.
 * @throws AppError DEPENDENCY_UNAVAILABLE that names it
 */
export async function naming(service: string, address: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isAppError(error, 'DEPENDENCY_UNAVAILABLE')) throw error;
    const message = `the ${service} at ${address} does not answer`;
    throw new AppError({ reason: error.reason, message, cause: error });
  }
}
