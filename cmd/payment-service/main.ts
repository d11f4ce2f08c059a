import { loadPaymentConfig, paymentSettings } from '../../pkg/payment/config.js';
import { run } from '../../pkg/runtime/index.js';
import { migratePayment, startPayment } from './app.js';

await run('payment-service', {
  settings: paymentSettings,
  configure: loadPaymentConfig,
  start: startPayment,
  migrate: migratePayment,
});
