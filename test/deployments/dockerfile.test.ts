import { expect } from 'chai';
import { isInContext } from './build-context.js';
import { execForm, last, readDockerfile } from './dockerfile.js';
import { processes, services } from './system.js';

const file = readDockerfile();

describe('the Dockerfile', () => {
  it('has a stage for each process, chosen by a build argument', () => {
    expect(file.stages.at(-1)?.from).to.equal('$PROCESS');
    for (const name of processes) expect(file.stage(name).from).to.equal('runtime');
  });

  it('starts from one exact version of Node on Alpine', () => {
    const images = file.stages.map(({ from }) => from).filter((from) => from.includes(':'));
    const exact = images.map((image) => image.replace('--platform=$BUILDPLATFORM ', ''));
    expect(new Set(exact)).to.have.length(1);
    expect(exact[0]).to.match(/^node:\d+\.\d+\.\d+-alpine\d+\.\d+(@sha256:[0-9a-f]{64})?$/);
  });

  for (const name of processes) {
    describe(`makes an image of ${name} that`, () => {
      const lineage = file.lineage(name);

      it('is run by a user with a number, not by root', () => {
        expect(last(lineage, 'USER').text).to.match(/^[1-9]\d*:[1-9]\d*$/);
      });

      it('starts node itself, which then gets SIGTERM', () => {
        const main = `dist/cmd/${name}/main.js`;
        expect(execForm(last(lineage, 'ENTRYPOINT'))).to.deep.equal([
          'node',
          '--enable-source-maps',
          '--import',
          './dist/pkg/observability/register.js',
          main,
        ]);
        expect(lineage.some(({ name: instruction }) => instruction === 'CMD')).to.equal(false);
      });

      it('gets files by COPY alone', () => {
        expect(lineage.some(({ name: instruction }) => instruction === 'ADD')).to.equal(false);
      });
    });
  }

  for (const { name, grpcPort, metricsPort } of services) {
    it(`asks ${name} for its health without a shell, and tells its ports`, () => {
      const lineage = file.lineage(name);
      expect(execForm(last(lineage, 'HEALTHCHECK'))).to.deep.equal(['node', 'healthcheck.mjs']);
      expect(last(lineage, 'EXPOSE').text).to.equal(`${grpcPort} ${metricsPort}`);
    });
  }

  it('labels images as the Open Container Initiative says', () => {
    const { text } = last(file.stages.at(-1)?.instructions ?? [], 'LABEL');
    const prefix = 'org.opencontainers.image';
    const wanted = [
      'title',
      'description',
      'version',
      'revision',
      'created',
      'source',
      'licenses',
      'base.name',
    ];
    for (const label of wanted) expect(text).to.include(`${prefix}.${label}="`);
    expect(text).to.include(`base.name="docker.io/library/${file.stage('runtime').from}"`);
  });

  it('sees nothing of the checkout but what it copies', () => {
    for (const name of ['.git', '.env', 'node_modules', 'dist', 'docs', 'deployments/docker/.env', '.data'])
      expect(isInContext(name), name).to.equal(false);
    for (const name of ['pkg/order/saga.test.ts', 'pkg/order/testing/fakes.ts', 'pkg/rpc/server.key'])
      expect(isInContext(name), name).to.equal(false);
    for (const name of ['package-lock.json', 'pkg', 'cmd/order-service/main.ts', 'scripts/copy-assets.mjs'])
      expect(isInContext(name), name).to.equal(true);
  });
});
