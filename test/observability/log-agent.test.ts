import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { LogLine } from '../lab/stack/loki.js';
import { aLogAgent, type PodOfLog } from '../lab/stack/log-agent.js';
import { forLogs, needs, running } from './running.js';
import { eventuallyPasses } from './waiting.js';

/** Every log line that these tests write contains this marker. */
const marker = randomBytes(6).toString('hex');

const pod: PodOfLog = {
  namespace: 'order-processing',
  name: 'order-service-5d9c7b6f4-x2v7k',
  container: 'order-service',
};

/** A line in the format of the services. */
const aMessage = (msg: string, more: object = {}): string =>
  JSON.stringify({
    level: 'warn',
    ts: new Date().toISOString(),
    service: 'order-service',
    msg,
    marker,
    ...more,
  });

/** A line in the CRI format of a container runtime; the tag `P` marks a part of a line, and `F` marks the last part. */
const kept = (text: string, tag: 'P' | 'F' = 'F'): string =>
  `${new Date().toISOString()} stdout ${tag} ${text}`;

const numbered = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `line ${String(first + index).padStart(4, '0')}`);

/** A Loki that rejects every request. */
async function startRejectingServer() {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    request.resume();
    response.writeHead(503).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => requests,
    close: async () => {
      server.close().closeAllConnections();
      await once(server, 'close');
    },
  };
}

describe('The log agent of Kubernetes', () => {
  needs(...forLogs);
  let agent: Awaited<ReturnType<typeof aLogAgent>>;

  before(async () => {
    agent = await aLogAgent(running('loki').url);
    await agent.start();
  });
  after(() => agent?.close());

  const found = (filter = ''): Promise<LogLine[]> =>
    running('loki').query(`{service_name=~".+"} |= "${marker}" ${filter}`);

  const write = (said: readonly string[]): void =>
    agent.write(
      pod,
      said.map((one) => kept(aMessage(one))),
    );

  async function messages(filter: string): Promise<string[]> {
    const lines = await found(filter);
    return lines.map(({ text }) => (JSON.parse(text) as { msg: string }).msg).toSorted();
  }

  it('sends a line unchanged, with labels for searches', async () => {
    const traceId = randomBytes(16).toString('hex');
    const text = aMessage('an order', { trace_id: traceId, order_id: 'of-a-test' });
    agent.write(pod, [kept(text)]);
    await eventuallyPasses(async () => {
      const lines = await found(`| trace_id="${traceId}" | order_id="of-a-test"`);
      expect(lines.map((line) => line.text)).to.deep.equal([text]);
      expect(lines[0]?.labels).to.include({
        service_name: 'order-service',
        k8s_namespace_name: pod.namespace,
        k8s_pod_name: pod.name,
        k8s_container_name: pod.container,
        log_iostream: 'stdout',
        detected_level: 'warn',
      });
    });
  });

  it('joins the parts of a line', async () => {
    const text = aMessage('a long line', { long: 'x'.repeat(20_000) });
    agent.write(pod, [kept(text.slice(0, 16_384), 'P'), kept(text.slice(16_384))]);
    await eventuallyPasses(async () =>
      expect((await found('|= "a long line"')).map((line) => line.text)).to.deep.equal([text]),
    );
  });

  it('uses the name of the container as the service name of a line that names no service', async () => {
    agent.write({ ...pod, name: 'proxy-0', container: 'proxy' }, [kept(`plain text ${marker}`)]);
    await eventuallyPasses(async () => {
      const [line] = await found('|= "plain text"');
      expect(line?.labels).to.include({ service_name: 'proxy', k8s_pod_name: 'proxy-0' });
    });
  });

  it('ignores pods of other namespaces', async () => {
    agent.write({ ...pod, namespace: 'another' }, [kept(aMessage('of another'))]);
    agent.write(pod, [kept(aMessage('after that'))]);
    await eventuallyPasses(async () => expect(await messages('|= "after that"')).to.have.lengthOf(1));
    expect(await messages('|= "of another"')).to.deep.equal([]);
  });

  it('continues after a SIGKILL without lost or repeated lines', async () => {
    const [early, late] = [numbered(0, 100), numbered(100, 100)];
    write(early);
    await eventuallyPasses(async () => expect(await messages('|= "line 0"')).to.deep.equal(early));
    await agent.kill();
    write(late);
    await agent.start();
    await eventuallyPasses(async () => expect(await messages('|= "line 0"')).to.include.members(late));
    expect(await messages('|= "line 0"')).to.deep.equal([...early, ...late]);
  });

  it('stores on disk the lines that Loki rejects, and sends them after a restart', async () => {
    const lines = numbered(1000, 100);
    await agent.kill();
    const rejecting = await startRejectingServer();
    await agent.start(rejecting.url);
    write(lines);
    await eventuallyPasses(async () => expect(rejecting.requests()).to.be.greaterThan(0));
    await agent.kill();
    await rejecting.close();
    await agent.start();
    await eventuallyPasses(async () => expect(await messages('|= "line 1"')).to.deep.equal(lines));
  });
});
