// node server.mjs PORT CERTIFICATE: secrets come from the environment, as canaries of this run.
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Provider } from 'oidc-provider';

const [port, certificate] = process.argv.slice(2);
const { CANARY_POST, CANARY_BASIC, CANARY_EXPIRED, CANARY_HS } = process.env;
const key = createPublicKey(readFileSync(certificate)).export({ format: 'jwk' });

const client = (client_id, token_endpoint_auth_method, more) => ({
  client_id,
  token_endpoint_auth_method,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  ...more,
});

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clockTolerance: 0, // 15 s by default: an expired secret would go on working
  clients: [
    client('post', 'client_secret_post', { client_secret: CANARY_POST }),
    client('basic:app/1 +%', 'client_secret_basic', { client_secret: CANARY_BASIC }),
    client('expired', 'client_secret_post', {
      client_secret: CANARY_EXPIRED,
      client_secret_expires_at: Math.floor(Date.now() / 1000) - 60,
    }),
    client('hs', 'client_secret_jwt', { client_secret: CANARY_HS }),
    client('key', 'private_key_jwt', { jwks: { keys: [{ ...key, use: 'sig' }] } }),
  ],
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt'],
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
});
provider.listen(Number(port), '127.0.0.1');
