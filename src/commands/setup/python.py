# pip install requests, save this as zoho_auth.py, then: python3 zoho_auth.py
"""requests with a fresh Zoho token: requests.get(url, auth=ZohoAuth())"""
import re
import subprocess

import requests


class ZohoAuth(requests.auth.AuthBase):
    """Gets a token for every request. If it is dead, reports that and sends the request once more.

    A missing scope or another organization is also a 401 at some products. Another token would not help then.
    """

    def __init__(self, profile="{profile}"):
        self.profile = profile

    def run(self, verb, stdin=""):
        command = ["zoho-cred", verb, self.profile]
        return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    def __call__(self, request):
        request.headers["Authorization"] = "Zoho-oauthtoken " + self.run("get")
        request.register_hook("response", self.once_more)
        return request

    def once_more(self, response, **kwargs):
        header = response.request.headers.get("Authorization", "")
        # After a redirect to another host requests has taken the header away, and nothing must bring it back.
        if response.status_code != 401 or not header.startswith("Zoho-oauthtoken "):
            return response
        body = response.content  # also lets the connection be used again
        if re.search(rb"scope|org_mismatch", body, re.IGNORECASE):
            return response
        self.run("reject", header)
        token = self.run("get")
        if header == "Zoho-oauthtoken " + token:
            return response  # zoho-cred has checked that it is alive
        again = response.request.copy()
        again.deregister_hook("response", self.once_more)
        if hasattr(again.body, "seek"):
            again.body.seek(0)
        again.headers["Authorization"] = "Zoho-oauthtoken " + token
        answer = response.connection.send(again, **kwargs)
        answer.history.append(response)
        answer.request = again
        return answer


if __name__ == "__main__":
    print(requests.get("{url}", auth=ZohoAuth(), timeout=30).text)
