import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { loadEnvironment } from '../../../pkg/config/index.js';
import { startTelemetry } from '../../../pkg/observability/index.js';
import { aTelemetryConfig, type LogLine } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';

const script = fileURLToPath(new URL('logger-child.ts', import.meta.url));

describe('process log', () => {
  let child: ChildProcess;
  let output = '';

  const start = async (...args: readonly string[]): Promise<void> => {
    output = '';
    child = spawn(process.execPath, ['--import=tsx', script, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    await waitFor(() => output.includes('ready'), 'ready line of the process');
    output = '';
  };
  afterEach(() => {
    child.kill('SIGKILL');
  });

  const messages = (): unknown[] => {
    const lines = output.trim().split('\n').filter(Boolean);
    return lines
      .map((line) => JSON.parse(line) as LogLine)
      .flatMap(({ service, msg, log_level: level }) =>
        service === 'second' ? [] : [level === undefined ? msg : `${msg as string}: ${level as string}`],
      );
  };

  /** Makes the process log one line at debug and one line at info, and returns the logged messages. */
  const logged = async (): Promise<unknown[]> => {
    output = '';
    child.stdin?.write('\n');
    await waitFor(() => messages().includes('info line'), 'info line of the process');
    return messages();
  };

  const loggedAfterSignal = async (): Promise<unknown[]> => {
    output = '';
    child.kill('SIGUSR2');
    await waitFor(
      () => output.trim().split('\n').length === 2 && output.endsWith('\n'),
      'level change of both loggers',
    );
    return messages();
  };

  it('includes debug lines between one SIGUSR2 and the next SIGUSR2', async () => {
    if (process.platform === 'win32') return;
    await start('info');
    expect(await logged()).to.deep.equal(['info line']);
    expect(await loggedAfterSignal()).to.deep.equal(['log level changed: debug']);
    expect(await logged()).to.deep.equal(['debug line', 'info line']);
    expect(await loggedAfterSignal()).to.deep.equal(['log level changed: info']);
    expect(await logged()).to.deep.equal(['info line']);
  });

  it('includes level changes even at level silent', async () => {
    if (process.platform === 'win32') return;
    await start('silent');
    expect(await loggedAfterSignal()).to.deep.equal(['log level changed: debug']);
    expect(await logged()).to.deep.equal(['debug line', 'info line']);
    expect(await loggedAfterSignal()).to.deep.equal(['log level changed: silent']);
  });

  const formats = [
    { format: 'json', start: /^{"level":"error"/ },
    { format: 'pretty', start: /^\d\d:\d\d:\d\d\.\d{3} ERROR echo-service last line/ },
  ];
  for (const { format, start: firstColumns } of formats)
    it(`includes the last line before the exit in ${format} format`, async () => {
      await start('info', format);
      child.stdin?.end();
      const [code] = (await once(child, 'close')) as [number];
      expect(code).to.equal(3);
      expect(output).to.contain('last line').and.to.contain('caused by: Error: cause');
      expect(output).to.match(firstColumns);
    });

  it('has configuration errors in the format that LOG_FORMAT selects', async () => {
    const main = fileURLToPath(new URL('../../../cmd/order-service/main.ts', import.meta.url));
    const env = { ...loadEnvironment(), LOG_FORMAT: 'pretty', DATABASE_URL: '' };
    child = spawn(process.execPath, ['--import=tsx', main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    expect(await text(child.stdout!)).to.match(
      /^[\d:.]{12} FATAL order-service the configuration is invalid problems=\["DATABASE_URL is required/,
    );
  });

  it('needs one signal handler for all loggers and removes the handler when telemetry is closed', async () => {
    const before = process.listenerCount('SIGUSR2');
    const started = await Promise.all(
      Array.from({ length: 20 }, () => startTelemetry(aTelemetryConfig({ logLevel: 'silent' }))),
    );
    expect(process.listenerCount('SIGUSR2') - before).to.be.at.most(1);
    await Promise.all(started.map((telemetry) => telemetry.close()));
    expect(process.listenerCount('SIGUSR2')).to.equal(before);
  });
});
