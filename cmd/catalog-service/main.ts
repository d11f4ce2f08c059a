import { run } from '../../pkg/service/index.js';
import { catalogService } from './app.js';

await run('catalog-service', catalogService);
