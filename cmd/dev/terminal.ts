// Whoever read our output may have gone; that must not end us.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

/** A line for people. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printProblem(text: string): void {
  process.stderr.write(`${text}\n`);
}
