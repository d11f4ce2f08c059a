import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { LogLine } from './loki.js';
import { runLogAgent, type PodOfLog } from './run-log-agent.js';
import { needs, program, running } from './verification.js';
import { becomesTrue } from './waiting.js';

/** In every line of this run: Loki may hold those of others. */
const marker = randomBytes(6).toString('hex');

const pod: PodOfLog = {
  namespace: 'order-processing',
  name: 'order-service-5d9c7b6f4-x2v7k',
  container: 'order-service',
};

/** A line as services write it. */
const aMessage = (msg: string, more: object = {}): string =>
  JSON.stringify({
    level: 'warn',
    ts: new Date().toISOString(),
    service: 'order-service',
    msg,
    marker,
    ...more,
  });

/** As a container runtime that follows CRI keeps it; `P` is a part, `F` is the end of a line. */
const kept = (text: string, tag: 'P' | 'F' = 'F'): string =>
  `${new Date().toISOString()} stdout ${tag} ${text}`;

const numbered = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `line ${String(first + index).padStart(4, '0')}`);

/** A Loki that has no room. */
async function runRefusingServer() {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    request.resume();
    response.writeHead(503).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked: () => asked,
    close: async () => {
      server.close().closeAllConnections();
      await once(server, 'close');
    },
  };
}

describe('The log agent of Kubernetes', () => {
  needs('logs', 'processes');
  let agent: Awaited<ReturnType<typeof runLogAgent>>;

  before(async () => {
    agent = await runLogAgent(program('otelcol'), running('loki').url);
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

  it('sends a line as it was written, with what can be searched', async () => {
    const traceId = randomBytes(16).toString('hex');
    const text = aMessage('an order', { trace_id: traceId, order_id: 'of-a-test' });
    agent.write(pod, [kept(text)]);
    await becomesTrue(async () => {
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

  it('puts a line together that the runtime has cut', async () => {
    const text = aMessage('a long line', { long: 'x'.repeat(20_000) });
    agent.write(pod, [kept(text.slice(0, 16_384), 'P'), kept(text.slice(16_384))]);
    await becomesTrue(async () =>
      expect((await found('|= "a long line"')).map((line) => line.text)).to.deep.equal([text]),
    );
  });

  it('names the container where a line does not say whose it is', async () => {
    agent.write({ ...pod, name: 'proxy-0', container: 'proxy' }, [kept(`plain text ${marker}`)]);
    await becomesTrue(async () => {
      const [line] = await found('|= "plain text"');
      expect(line?.labels).to.include({ service_name: 'proxy', k8s_pod_name: 'proxy-0' });
    });
  });

  it('leaves the pods of others alone', async () => {
    agent.write({ ...pod, namespace: 'another' }, [kept(aMessage('of another'))]);
    agent.write(pod, [kept(aMessage('after that'))]);
    await becomesTrue(async () => expect(await messages('|= "after that"')).to.have.lengthOf(1));
    expect(await messages('|= "of another"')).to.deep.equal([]);
  });

  it('goes on after a SIGKILL where it was: nothing is missed, nothing comes twice', async () => {
    const [early, late] = [numbered(0, 100), numbered(100, 100)];
    write(early);
    await becomesTrue(async () => expect(await messages('|= "line 0"')).to.deep.equal(early));
    await agent.kill();
    write(late);
    await agent.start();
    await becomesTrue(async () => expect(await messages('|= "line 0"')).to.include.members(late));
    expect(await messages('|= "line 0"')).to.deep.equal([...early, ...late]);
  });

  it('keeps on disk what it has read and Loki did not take', async () => {
    const lines = numbered(1000, 100);
    await agent.kill();
    const refusing = await runRefusingServer();
    await agent.start(refusing.url);
    write(lines);
    await becomesTrue(async () => expect(refusing.asked()).to.be.greaterThan(0));
    await agent.kill();
    await refusing.close();
    await agent.start();
    await becomesTrue(async () => expect(await messages('|= "line 1"')).to.deep.equal(lines));
  });
});
