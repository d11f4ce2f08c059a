import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve('deployments/docker/observability/prometheus');
const limitMs = 150_000;

export interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

/** Checks the configuration and the rules with promtool, and runs the tests of the rules. */
export async function checkAlerts(promtool: string): Promise<Outcome> {
  const outcomes = await Promise.all([
    run(promtool, ['check', 'config', path.join(folder, 'prometheus.yaml')]),
    run(promtool, ['check', 'rules', ...filesIn('rules')]),
    run(promtool, ['test', 'rules', ...filesIn('tests')]),
  ]);
  return {
    ok: outcomes.every(({ ok }) => ok),
    output: outcomes.map(({ output }) => output).join('\n'),
  };
}

function run(program: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: limitMs }, (error, stdout, stderr) => {
      const late = error?.killed ? `promtool did not end within ${limitMs / 1000} s\n` : '';
      const output = `$ promtool ${args.slice(0, 2).join(' ')}\n${stdout}${stderr}${late}`;
      resolve({ ok: error === null, output });
    });
  });
}

function filesIn(name: string): string[] {
  return readdirSync(path.join(folder, name))
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => path.join(folder, name, file));
}
