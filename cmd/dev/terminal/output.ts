// A closed pipe or terminal must not end the process.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printError(text: string): void {
  process.stderr.write(`${text}\n`);
}
