"""Lists and reads the objects of a bucket: S3 with signatures of version 4, in plain Python."""

import hashlib
import hmac
import os
import threading
import urllib.parse
import xml.etree.ElementTree as xml
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from http.client import HTTPConnection

NOTHING = hashlib.sha256(b"").hexdigest()


class Bucket:
    def __init__(self, name):
        self.name = name
        self.host = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL_S3"]).netloc
        self.user, self.secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        self.region = os.environ.get("AWS_REGION", "us-east-1")
        self.of_thread = threading.local()

    def get(self, key, query):
        now = datetime.now(timezone.utc)
        time, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        path = urllib.parse.quote(f"/{self.name}" + (f"/{key}" if key else ""), safe="/-_.~")
        asked = "&".join(f"{name}={urllib.parse.quote(value, safe='-_.~')}" for name, value in sorted(query.items()))
        headers = {"host": self.host, "x-amz-content-sha256": NOTHING, "x-amz-date": time}
        names = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        request = "\n".join(["GET", path, asked, lines, names, NOTHING])
        scope = f"{day}/{self.region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", time, scope, hashlib.sha256(request.encode()).hexdigest()])
        secret = f"AWS4{self.secret}".encode()
        for word in (*scope.split("/"), text):
            secret = hmac.new(secret, word.encode(), hashlib.sha256).digest()
        signed = f"Credential={self.user}/{scope}, SignedHeaders={names}, Signature={secret.hex()}"
        headers["authorization"] = f"AWS4-HMAC-SHA256 {signed}"
        if not hasattr(self.of_thread, "connection"):
            self.of_thread.connection = HTTPConnection(self.host, timeout=60)
        connection = self.of_thread.connection
        connection.request("GET", f"{path}?{asked}" if asked else path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, f"{path}: {answer.status} {body[:300]}"
        return body

    def keys(self, prefix):
        query = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}
        while True:
            page = xml.fromstring(self.get("", query))
            of = lambda name: page.findall(f".//{{*}}{name}")
            yield from (urllib.parse.unquote(key.text) for key in of("Key"))
            if of("IsTruncated")[0].text != "true":
                return
            query["continuation-token"] = of("NextContinuationToken")[0].text

    def contents(self, keys):
        """The content of each of some keys, in their order."""
        with ThreadPoolExecutor(4) as several:
            yield from zip(keys, several.map(lambda key: self.get(key, {}), keys))
