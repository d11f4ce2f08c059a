import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { expect } from 'chai';
import { loadEnvironment } from '../../pkg/config/index.js';
import type { LogLine } from '../../pkg/rpc/testing/test-server.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { greeter, type Text } from './observability-greeter.js';

const run = promisify(execFile);

describe('the example in the README of pkg/observability', () => {
  const folder = path.resolve('.data', `readme-${process.pid}`);
  const program = path.join(folder, 'server.ts');
  let child: ChildProcess;
  let output = '';

  before(async () => {
    const readme = await readFile('pkg/observability/README.md', 'utf8');
    const [, example = ''] = /^```ts\n(.*?)^```/ms.exec(readme) ?? [];
    await mkdir(folder, { recursive: true });
    // There it stands at the root.
    await writeFile(program, example.replaceAll("'./pkg/", "'../../pkg/"));
    await cp('test/integration/observability-greeter.ts', path.join(folder, 'greeter.ts'));
    child = spawn(process.execPath, ['--import=tsx', '--import=./pkg/observability/register.ts', program], {
      env: { ...loadEnvironment(), METRICS_PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
    await waitFor(() => lines('serving').length > 0, 'the example to serve');
  });
  after(async () => {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  const lines = (msg: string): LogLine[] =>
    output
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine)
      .filter((line) => line['msg'] === msg);

  it('compiles', async () => {
    const tsconfig = path.join(folder, 'tsconfig.json');
    await writeFile(
      tsconfig,
      JSON.stringify({
        extends: '../../tsconfig.json',
        compilerOptions: { rootDir: '../..' },
        include: ['*.ts'],
      }),
    );
    const { stdout } = await run('node_modules/.bin/tsc', ['-p', tsconfig]);
    expect(stdout).to.equal('');
  });

  it('serves, counts, times and logs a call, in a trace of its own', async () => {
    const [{ port, metrics_port: metricsPort } = {}] = lines('serving');
    const client = new Client(`127.0.0.1:${String(port)}`, credentials.createInsecure());
    const { path: method, requestSerialize, responseDeserialize } = greeter.greet;
    const answer = await new Promise<Text | undefined>((resolve, reject) => {
      const codec = [method, requestSerialize, responseDeserialize] as const;
      client.makeUnaryRequest(...codec, { text: 'Ann' }, new Metadata(), (error, reply) =>
        error ? reject(error) : resolve(reply),
      );
    });
    client.close();
    expect(answer).to.deep.equal({ text: 'Hello Ann' });
    await waitFor(() => lines('call served').length > 0, 'its log line');
    const [served] = lines('call served');
    expect(served).to.include({ service: 'greeter', method: 'acme.greeting.Greeter/Greet', status: 'OK' });
    expect(served?.['trace_id']).to.match(/^[0-9a-f]{32}$/);
    const scrape = await fetch(`http://127.0.0.1:${String(metricsPort)}/metrics`, {
      headers: { accept: 'application/openmetrics-text' },
    });
    const text = await scrape.text();
    expect(text).to.contain(`# {trace_id="${String(served?.['trace_id'])}",`);
    expect((await fetch(`http://127.0.0.1:${String(metricsPort)}/readyz`)).status).to.equal(200);
  });
});
