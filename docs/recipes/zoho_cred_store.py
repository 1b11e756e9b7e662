"""Token store for Zoho's official CRM SDK that gets its tokens from zoho-cred.

    pip install zohocrmsdk8_0

    Initializer.initialize(
        environment=JPDataCenter.PRODUCTION(),
        token=OAuthToken(id="crm"),          # the ID is the profile name
        store=ZohoCredStore(),
    )

The SDK asks the store before every call, so it never uses an expired token. It does not see the refresh token and sends no
requests to the accounts server.
"""
import subprocess

from zohocrmsdk.src.com.zoho.api.authenticator import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store import TokenStore


class ZohoCredStore(TokenStore):
    def find_token_by_id(self, id):
        token = subprocess.run(["zoho-cred", "get", id], stdout=subprocess.PIPE, text=True, check=True)
        return OAuthToken(id=id, access_token=token.stdout.strip())

    def find_token(self, token):
        return self.find_token_by_id(token.get_id())

    def get_tokens(self):
        return []

    def save_token(self, token):
        pass

    def delete_token(self, id):
        pass

    def delete_tokens(self):
        pass
