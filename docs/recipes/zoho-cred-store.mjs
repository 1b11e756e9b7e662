// Token store for Zoho's official CRM SDK that gets its tokens from zoho-cred.
//
//     npm install @zohocrm/nodejs-sdk-8.0
//
//     await (await new InitializeBuilder())
//       .environment(JPDataCenter.PRODUCTION())
//       .token(new OAuthBuilder().id('crm').build()) // the ID is the profile name
//       .store(new ZohoCredStore())
//       .initialize();
//
// The SDK asks the store before every call, so it never uses an expired token. It does not see the refresh token and sends no
// requests to the accounts server.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { OAuthBuilder, TokenStore } from '@zohocrm/nodejs-sdk-8.0';

export class ZohoCredStore extends TokenStore.TokenStore {
  async findTokenById(id) {
    const { stdout } = await promisify(execFile)('zoho-cred', ['get', id]);
    return new OAuthBuilder().id(id).accessToken(stdout.trim()).build();
  }

  async findToken(token) {
    return this.findTokenById(token.getId());
  }

  async getTokens() {
    return [];
  }

  async saveToken() {}

  async deleteToken() {}

  async deleteTokens() {}
}
