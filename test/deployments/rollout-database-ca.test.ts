import { expect } from 'chai';
import { objectOf, podsOf, render } from './manifests.js';
import { services } from './system.js';
import { describeWith } from './tools.js';

describeWith(['kustomize'], 'the CA of a database', () => {
  const manifests = render('database CA');

  for (const { name } of services)
    for (const title of [`Deployment ${name}`, `Job ${name}-migration`])
      it(`is where DATABASE_URL says, beside what was mounted before: ${title}`, () => {
        const pod = podsOf(manifests).find((one) => one.title === title);
        const mounts = pod?.spec.containers[0]?.volumeMounts ?? [];
        const mount = mounts.find(({ mountPath }) => mountPath === '/etc/database');
        expect(mount?.readOnly).to.equal(true);
        const volume = pod?.spec.volumes?.find((one) => one.name === mount?.name);
        const { data } = objectOf(manifests, 'ConfigMap', volume?.configMap?.name ?? '');
        expect(data).to.have.keys('ca.crt');
        const paths = mounts.map(({ mountPath }) => mountPath);
        expect(paths.includes('/etc/tls')).to.equal(title.startsWith('Deployment'));
      });
});
