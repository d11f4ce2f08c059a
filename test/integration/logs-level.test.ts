import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { loadEnvironment } from '../../pkg/config/index.js';
import { startTelemetry } from '../../pkg/observability/index.js';
import { aTelemetryConfig, type LogLine } from '../../pkg/rpc/testing/test-server.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';

const script = fileURLToPath(new URL('logs-process.ts', import.meta.url));

describe('the log of a process', () => {
  let child: ChildProcess;
  let output = '';

  const start = async (...args: readonly string[]): Promise<void> => {
    output = '';
    child = spawn(process.execPath, ['--import=tsx', script, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    await waitFor(() => output.includes('ready'), 'the process');
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
        service === 'another' ? [] : [level === undefined ? msg : `${msg as string}: ${level as string}`],
      );
  };

  /** What it says when it is asked to log. */
  const said = async (): Promise<unknown[]> => {
    output = '';
    child.stdin?.write('\n');
    await waitFor(() => messages().includes('news'), 'a line');
    return messages();
  };

  const signalled = async (): Promise<unknown[]> => {
    output = '';
    child.kill('SIGUSR2');
    await waitFor(() => output.trim().split('\n').length === 2 && output.endsWith('\n'), 'both loggers');
    return messages();
  };

  it('shows details after SIGUSR2, and no more after another', async function signals() {
    if (process.platform === 'win32') return;
    await start('info');
    expect(await said()).to.deep.equal(['news']);
    expect(await signalled()).to.deep.equal(['log level changed: debug']);
    expect(await said()).to.deep.equal(['details', 'news']);
    expect(await signalled()).to.deep.equal(['log level changed: info']);
    expect(await said()).to.deep.equal(['news']);
  });

  it('says that its level changed also when it says nothing else', async () => {
    if (process.platform === 'win32') return;
    await start('silent');
    expect(await signalled()).to.deep.equal(['log level changed: debug']);
    expect(await said()).to.deep.equal(['details', 'news']);
    expect(await signalled()).to.deep.equal(['log level changed: silent']);
  });

  for (const format of ['json', 'pretty'])
    it(`is complete when the process ends, as ${format}`, async () => {
      await start('info', format);
      child.stdin?.end();
      const [code] = (await once(child, 'close')) as [number];
      expect(code).to.equal(3);
      expect(output).to.contain('last words').and.to.contain('caused by: Error: why');
      if (format === 'pretty')
        expect(output).to.match(/^\d\d:\d\d:\d\d\.\d{3} ERROR echo-service last words/);
    });

  it('is for people from the first line on, if they ask for that', async () => {
    const main = fileURLToPath(new URL('../../cmd/order-service/main.ts', import.meta.url));
    const env = { ...loadEnvironment(), LOG_FORMAT: 'pretty', DATABASE_URL: '' };
    child = spawn(process.execPath, ['--import=tsx', main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    expect(await text(child.stdout!)).to.match(
      /^[\d:.]{12} FATAL order-service the configuration is invalid problems=\["DATABASE_URL is required/,
    );
  });

  it('needs one handler for its signal, and none once telemetry is closed', async () => {
    const before = process.listenerCount('SIGUSR2');
    const started = await Promise.all(
      Array.from({ length: 20 }, () => startTelemetry(aTelemetryConfig({ logLevel: 'silent' }))),
    );
    expect(process.listenerCount('SIGUSR2') - before).to.be.at.most(1);
    await Promise.all(started.map((telemetry) => telemetry.close()));
    expect(process.listenerCount('SIGUSR2')).to.equal(before);
  });
});
