import { expect } from 'chai';
import { withImages } from './images.js';
import { DeployError } from './kubectl.js';
import type { Manifest } from './manifests.js';

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

function aDeployment(name: string, image: string): Manifest {
  const labels = { 'app.kubernetes.io/version': 'dev' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: { template: { metadata: { labels }, spec: { containers: [{ image }] } } },
  };
}

const manifests = [
  aDeployment('order-service', 'order-processing/order-service:unreleased'),
  aDeployment('catalog-service', 'order-processing/catalog-service:unreleased'),
  aDeployment('grafana', 'grafana/grafana:1.0.0'),
];
const release = { IMAGE_REGISTRY: 'registry.example/shop/', IMAGE_TAG: '1.2.3' };
const digests = `order-service=${digest('a')}\n  catalog-service=${digest('b')}\n`;

const imagesOf = (all: readonly Manifest[]): (string | undefined)[] =>
  all.map(({ spec }) => spec?.template?.spec.containers[0]?.image);

describe('images of a deployment', () => {
  it('have the registry and the tag that the environment names; those of others stay', () => {
    expect(imagesOf(withImages(manifests, release))).to.deep.equal([
      'registry.example/shop/order-processing/order-service:1.2.3',
      'registry.example/shop/order-processing/catalog-service:1.2.3',
      'grafana/grafana:1.0.0',
    ]);
  });

  it('have a digest each when the environment has them', () => {
    expect(imagesOf(withImages(manifests, { ...release, IMAGE_DIGESTS: digests }))).to.deep.equal([
      `registry.example/shop/order-processing/order-service:1.2.3@${digest('a')}`,
      `registry.example/shop/order-processing/catalog-service:1.2.3@${digest('b')}`,
      'grafana/grafana:1.0.0',
    ]);
  });

  it('are labelled with the tag, digest or not', () => {
    const [first] = withImages(manifests, { ...release, IMAGE_DIGESTS: digests });
    const version = { 'app.kubernetes.io/version': '1.2.3' };
    expect(first?.metadata.labels).to.deep.equal(version);
    expect(first?.spec?.template?.metadata?.labels).to.deep.equal(version);
  });

  it('bring what stands beside their pods to that version; selectors and a namespace have none', () => {
    const labels = { name: 'order-service', 'app.kubernetes.io/version': 'dev' };
    const anObject = (kind: string, more: object = {}): Manifest => ({
      apiVersion: 'v1',
      kind,
      metadata: { name: 'one', labels: { ...labels } },
      ...more,
    });
    const selector = { spec: { selector: { ...labels } } };
    const [settings, service, namespace, unlabelled] = withImages(
      [
        anObject('ConfigMap'),
        anObject('Service', selector),
        anObject('Namespace'),
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'grafana', labels: { name: 'grafana' } } },
      ],
      release,
    );
    const released = { name: 'order-service', 'app.kubernetes.io/version': '1.2.3' };
    expect(settings?.metadata.labels).to.deep.equal(released);
    expect(service).to.deep.include({ ...selector, metadata: { name: 'one', labels: released } });
    expect(namespace?.metadata.labels).to.deep.equal({ name: 'order-service' });
    expect(unlabelled?.metadata.labels).to.deep.equal({ name: 'grafana' });
  });

  it('are not deployed when one of ours has no digest: the message names it', () => {
    const incomplete = { ...release, IMAGE_DIGESTS: `order-service=${digest('a')}` };
    expect(() => withImages(manifests, incomplete)).to.throw(DeployError, 'no digest of catalog-service');
  });

  for (const entry of ['order-service', 'order-service=sha256:abc', `order-service=${'a'.repeat(64)}`])
    it(`are not deployed by a digest that is none: ${entry.slice(0, 30)}`, () => {
      const broken = { ...release, IMAGE_DIGESTS: `${digests} ${entry}` };
      expect(() => withImages(manifests, broken)).to.throw(DeployError, `has '${entry}'`);
    });

  it('are not deployed when nothing names a released one', () => {
    expect(() => withImages(manifests, {})).to.throw(
      DeployError,
      'no image for order-service: set IMAGE_TAG',
    );
  });
});
