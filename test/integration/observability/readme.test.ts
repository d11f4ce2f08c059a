import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { expect } from 'chai';
import { loadEnvironment } from '../../../pkg/config/index.js';
import type { LogLine } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';
import { greeter, type Text } from './greeter.js';

const run = promisify(execFile);

describe('example in docs/grpc-observability.md', () => {
  const folder = path.resolve('.data', `readme-${process.pid}`);
  const program = path.join(folder, 'server.ts');
  let child: ChildProcess;
  let output = '';

  before(async () => {
    const guide = await readFile('docs/grpc-observability.md', 'utf8');
    const [, example = ''] = /^```ts\n(.*?)^```/ms.exec(guide) ?? [];
    await mkdir(folder, { recursive: true });
    // The import paths of the example are relative to the root of the repository.
    await writeFile(program, example.replaceAll("'./pkg/", "'../../pkg/"));
    await cp('test/integration/observability/greeter.ts', path.join(folder, 'greeter.ts'));
    child = spawn(process.execPath, ['--import=tsx', '--import=./pkg/observability/register.ts', program], {
      env: { ...loadEnvironment(), METRICS_PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
    await waitFor(() => lines('serving').length > 0, 'serving line of the example');
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

  it('serves a call, and records the trace id of the call in a log line and in the metrics', async () => {
    const [{ port, metrics_port: metricsPort } = {}] = lines('serving');
    const client = new Client(`127.0.0.1:${String(port)}`, credentials.createInsecure());
    const { path: method, requestSerialize, responseDeserialize } = greeter.greet;
    const response = await new Promise<Text | undefined>((resolve, reject) => {
      const codec = [method, requestSerialize, responseDeserialize] as const;
      client.makeUnaryRequest(...codec, { text: 'Ann' }, new Metadata(), (error, message) =>
        error ? reject(error) : resolve(message),
      );
    });
    client.close();
    expect(response).to.deep.equal({ text: 'Hello Ann' });
    await waitFor(() => lines('call served').length > 0, 'log line of the call');
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
