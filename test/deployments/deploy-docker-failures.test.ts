import { expect } from 'chai';
import { FakeEngine, type FakeContainer } from './fake-engine.js';

const container = (name: string, state: Partial<FakeContainer>): FakeContainer => ({
  Name: `order-processing-${name}`,
  Service: name.replace(/-\d$/, ''),
  State: 'running',
  Health: 'healthy',
  ExitCode: 0,
  ...state,
});

describe('make deploy-docker, where it cannot work', () => {
  let engine: FakeEngine;

  beforeEach(() => {
    engine = new FakeEngine();
  });
  afterEach(() => engine.remove());

  const refusal = (): string => {
    const { code, stderr } = engine.run('deploy');
    expect(code).to.equal(1);
    expect(engine.calls()).to.deep.equal([]);
    expect(engine.hasSettings()).to.equal(false);
    return stderr;
  };

  it('says that docker is not installed', () => {
    engine.uninstall();
    expect(refusal()).to.include('docker is not installed: https://');
  });

  it('says that compose is not installed', () => {
    engine.fail('version', "docker: 'compose' is not a docker command");
    expect(refusal()).to.include('no compose plugin: https://');
  });

  for (const version of ['2.20.2', 'v2.9.0', '1.29.2'])
    it(`says that compose ${version} is too old`, () => {
      engine.answer('version', `${version}\n`);
      expect(refusal()).to.include(`${version} is too old: 2.20.3 or newer`);
    });

  for (const version of ['2.20.3', 'v2.40.0-desktop.1', '5.0.0', 'dev'])
    it(`takes compose ${version}`, () => {
      engine.answer('version', `${version}\n`);
      expect(engine.run('deploy').code).to.equal(0);
    });

  it('says that no engine runs, and what docker says of it', () => {
    engine.fail('info', 'Client:\nCannot connect to the Docker daemon at unix:///run/docker.sock\n');
    expect(refusal()).to.include('start Docker, or set DOCKER_HOST (Cannot connect to the Docker daemon');
  });

  it('says that the user may not speak to the engine', () => {
    engine.fail('info', 'permission denied while trying to connect to the Docker daemon socket\n');
    expect(refusal()).to.include('this user may not speak to the container engine: https://');
  });
});

describe('make deploy-docker, when it fails', () => {
  let engine: FakeEngine;

  beforeEach(() => {
    engine = new FakeEngine();
  });
  afterEach(() => engine.remove());

  const failure = (): string => {
    const { code, stdout, stderr } = engine.run('deploy');
    expect(code).to.equal(17);
    expect(stdout).not.to.include('localhost');
    return stderr;
  };

  it('starts nothing when an image cannot be built', () => {
    engine.fail('build', 'failed to solve: process "/bin/sh -c npm ci" did not complete\n');
    expect(failure()).to.match(/npm ci.*\nan image could not be built; the lines above say why/);
    expect(engine.calls()).to.have.length(1);
  });

  for (const message of [
    'driver failed programming external connectivity: Bind for 127.0.0.1:50051 failed: port is already allocated',
    'failed to set up: listen tcp4 127.0.0.1:50051: bind: address already in use',
    'ports are not available: exposing port TCP 127.0.0.1:50051 -> 127.0.0.1:0: listen tcp: taken',
  ])
    it(`names a port that is taken: ${message.slice(0, 40)}`, () => {
      engine.fail('up', `Error response from daemon: ${message}\n`);
      expect(failure()).to.include('port 50051 of this machine is taken. make dev-stop');
    });

  it('names an image that cannot be pulled', () => {
    engine.fail('up', 'pull access denied for order-processing/order-service\n');
    expect(failure()).to.include('an image could not be pulled; the lines above name it');
  });

  it('names the containers that are not well, with their last lines', () => {
    engine.fail(
      'up',
      'dependency failed to start: container order-processing-payment-service-1 is unhealthy\n',
    );
    engine.containers(
      container('postgres-1', {}),
      container('payment-service-1', { Health: 'unhealthy' }),
      container('payment-service-2', { Health: 'unhealthy' }),
      container('order-service-migration-1', { State: 'exited', Health: '', ExitCode: 1 }),
      container('catalog-service-migration-1', { State: 'exited', Health: '' }),
      container('inventory-service-1', { State: 'restarting', Health: '' }),
      container('jaeger-1', { Health: 'starting' }),
      container('order-service-1', { State: 'created', Health: '' }),
    );
    for (const name of ['payment-service-1', 'order-service-migration-1', 'inventory-service-1'])
      engine.answer(`log-order-processing-${name}`, `first of ${name}\nlast of ${name}\n`);
    engine.answer('log-order-processing-jaeger-1', '');
    const said = failure();
    expect(said.match(/^order-processing-.*lines:$/gm)).to.deep.equal([
      'order-processing-payment-service-1 is unhealthy. Its last lines:',
      'order-processing-order-service-migration-1 ended with 1. Its last lines:',
      'order-processing-inventory-service-1 ends again and again. Its last lines:',
      'order-processing-jaeger-1 is not healthy yet. Its last lines:',
    ]);
    expect(said).to.include('  first of payment-service-1\n  last of payment-service-1\n');
    expect(said).to.match(/make deploy-docker can be run again at any time, make undeploy-docker stops all/);
  });

  it('reads the list that older versions of compose write', () => {
    engine.fail('up', 'application not healthy after 300s\n');
    engine.answer('ps', JSON.stringify([container('proxy-1', { Health: 'starting' })]));
    engine.answer('log-order-processing-proxy-1', 'a line\n');
    const said = failure();
    expect(said).to.include('order-processing-proxy-1 is not healthy yet');
    expect(said).to.include('not everything was healthy after 300 s');
  });
});
