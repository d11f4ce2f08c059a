/** Waits for every attempt. @throws AggregateError of those that failed */
export async function attemptAll(attempts: readonly Promise<unknown>[]): Promise<void> {
  const failures = (await Promise.allSettled(attempts)).flatMap((attempt) =>
    attempt.status === 'rejected' ? [attempt.reason as unknown] : [],
  );
  if (failures.length > 0)
    throw new AggregateError(failures, `${failures.length} of ${attempts.length} attempts failed`);
}
