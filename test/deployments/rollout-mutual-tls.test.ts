import { expect } from 'chai';
import { allowedClients } from '../../cmd/dev/certificates.js';
import { parseAllowedClients } from '../../pkg/rpc/tls-allowed-clients.js';
import {
  containersOf,
  objectOf,
  podsOf,
  render,
  renderText,
  settingsOf,
  type Container,
  type Pod,
  type PodSpec,
} from './manifests.js';
import { configure } from './service-configs.js';
import { services } from './system.js';
import { describeWith } from './tools.js';

describeWith(['kustomize'], 'mutual TLS', () => {
  const certificateOf = ({ volumes = [] }: PodSpec, { volumeMounts = [] }: Container) =>
    volumeMounts
      .filter(({ mountPath }) => mountPath === '/etc/tls')
      .map(({ name }) => volumes.find((volume) => volume.name === name)?.secret?.secretName);

  const podOf = (pods: readonly Pod[], title: string): Pod => {
    const pod = pods.find((one) => one.title === title);
    if (!pod) throw new Error(`there is no ${title}`);
    return pod;
  };

  /** Who is expected in production in the place of test-client: what a customer may do. */
  const customers = ['CreateOrder', 'GetOrder', 'ListOrders', 'CancelOrder', 'WatchOrder'];
  const gateway = `gateway=${customers.map((method) => `order.v1.OrderService/${method}`).join(',')}`;

  for (const overlay of ['staging', 'production'] as const) {
    const manifests = render(overlay);

    it(`keeps the key of the CA, and changes those of the services: ${overlay}`, () => {
      const ca = objectOf(manifests, 'Certificate', 'order-processing-ca').spec;
      expect(ca).to.have.nested.property('privateKey.rotationPolicy', 'Never');
      for (const { name } of services)
        expect(objectOf(manifests, 'Certificate', name).spec).to.have.nested.property(
          'privateKey.rotationPolicy',
          'Always',
        );
    });

    for (const { name } of services) {
      it(`gives ${name} a certificate in its own name: ${overlay}`, () => {
        const pod = podOf(podsOf(manifests), `Deployment ${name}`);
        const [container] = containersOf(pod) as [Container];
        expect(certificateOf(pod.spec, container)).to.deep.equal([`${name}-tls`]);
        const { spec } = objectOf(manifests, 'Certificate', name);
        expect(spec).to.deep.include({
          secretName: `${name}-tls`,
          dnsNames: [name, `${name}.order-processing.svc`, `${name}.order-processing.svc.cluster.local`],
        });
        const { tls } = configure[name]({
          ...settingsOf(manifests, container),
          DATABASE_URL: 'postgres://a:b@c:5432/d',
        });
        expect(tls).to.have.property('cert', '/etc/tls/tls.crt');
      });

      it(`lets call ${name} who calls it in the code, and only what: ${overlay}`, () => {
        const pod = podOf(podsOf(manifests), `Deployment ${name}`);
        const text = settingsOf(manifests, pod.spec.containers[0] as Container)['TLS_ALLOWED_CLIENTS'] ?? '';
        const own = `${name.replace('-service', '')}.v1.`;
        const wanted = [...parseAllowedClients(`${allowedClients};${gateway}`)].map(([client, patterns]) => [
          client,
          [...patterns].filter((pattern) => pattern === '*' || pattern.startsWith(own)).toSorted(),
        ]);
        const given = [...parseAllowedClients(text)].map(([client, patterns]) => [
          client,
          [...patterns].toSorted(),
        ]);
        const absent = overlay === 'production' ? 'test-client' : 'gateway';
        expect(given).to.deep.equal(
          wanted.filter(([client, patterns]) => client !== absent && patterns?.length !== 0),
        );
      });
    }
  }

  it('lets test-client call nobody in production', () => {
    expect(renderText('production')).not.to.include('test-client');
  });

  it('gives the smoke test a certificate too', () => {
    const manifests = render('smoke-test with mutual TLS');
    const pod = podOf(podsOf(manifests), 'Job test-client');
    expect(certificateOf(pod.spec, pod.spec.containers[0] as Container)).to.deep.equal(['test-client-tls']);
  });
});
