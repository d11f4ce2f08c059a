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
  it('have the registry and the tag from the environment, except third-party images', () => {
    expect(imagesOf(withImages(manifests, release))).to.deep.equal([
      'registry.example/shop/order-processing/order-service:1.2.3',
      'registry.example/shop/order-processing/catalog-service:1.2.3',
      'grafana/grafana:1.0.0',
    ]);
  });

  it('have the digests from the environment, except third-party images', () => {
    expect(imagesOf(withImages(manifests, { ...release, IMAGE_DIGESTS: digests }))).to.deep.equal([
      `registry.example/shop/order-processing/order-service:1.2.3@${digest('a')}`,
      `registry.example/shop/order-processing/catalog-service:1.2.3@${digest('b')}`,
      'grafana/grafana:1.0.0',
    ]);
  });

  it('give their tag to the version label of the Deployment and of its pods', () => {
    const [first] = withImages(manifests, { ...release, IMAGE_DIGESTS: digests });
    const version = { 'app.kubernetes.io/version': '1.2.3' };
    expect(first?.metadata.labels).to.deep.equal(version);
    expect(first?.spec?.template?.metadata?.labels).to.deep.equal(version);
  });

  it('give their tag to the version label of other objects, but not in selectors and namespaces', () => {
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

  it('are rejected when an image of this project has no digest', () => {
    const incomplete = { ...release, IMAGE_DIGESTS: `order-service=${digest('a')}` };
    expect(() => withImages(manifests, incomplete)).to.throw(DeployError, 'no digest of catalog-service');
  });

  for (const entry of ['order-service', 'order-service=sha256:abc', `order-service=${'a'.repeat(64)}`])
    it(`are rejected when IMAGE_DIGESTS has the invalid entry ${entry.slice(0, 30)}`, () => {
      const broken = { ...release, IMAGE_DIGESTS: `${digests} ${entry}` };
      expect(() => withImages(manifests, broken)).to.throw(DeployError, `has '${entry}'`);
    });

  it('are rejected when the environment sets no tag', () => {
    expect(() => withImages(manifests, {})).to.throw(
      DeployError,
      'no image for order-service: set IMAGE_TAG',
    );
  });
});
