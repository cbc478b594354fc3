"""The client of S3, with what it is not given or given wrongly said in sentences.

What it stores, and what the server answers, belongs in `store`.
"""

import os
import re
from typing import Any
from urllib.parse import urlsplit

from huracan.errors import HuracanError, InvalidInput, Unavailable

_ATTEMPTS = 4
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def make_s3_client(endpoint_url: str | None, region: str | None) -> Any:
    """A boto3 client. Credentials come from the environment, as everywhere with S3; the settings name only
    the server. InvalidInput names the variable or setting that is wrong."""
    from botocore.exceptions import BotoCoreError
    from dagster_aws.s3 import S3Resource

    if endpoint_url is not None:
        _check_endpoint(endpoint_url)
    for name in _KEYS:
        if re.search(r"\s", os.environ.get(name, "")):
            raise InvalidInput(f"{name} holds a space or a line break.", "Copy it again, without.")
    try:
        return S3Resource(endpoint_url=endpoint_url, region_name=region, max_attempts=_ATTEMPTS).get_client()
    except (BotoCoreError, ValueError) as error:
        raise as_wrong_settings(error) from error


def as_wrong_settings(error: Exception) -> HuracanError:
    """The sentence for what boto3 says before it has asked any server."""
    told = getattr(error, "kwargs", {})
    match type(error).__name__:
        case "ProfileNotFound":
            return InvalidInput(
                f"AWS_PROFILE names the profile {told.get('profile')!r}, which is not configured.",
                "Correct or unset AWS_PROFILE, or add the profile to ~/.aws/config.",
            )
        case "PartialCredentialsError":
            return InvalidInput(
                f"Of the credentials for S3 one half is missing: {told.get('cred_var')}.",
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, both or neither.",
            )
        case "NoCredentialsError":
            return InvalidInput(
                "There are no credentials for S3.",
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.",
            )
        case "InvalidRegionError":
            return InvalidInput(
                f"The region of S3 is {told.get('region_name')!r}, which is none.",
                "Write storage.s3_region or AWS_DEFAULT_REGION like eu-central-1.",
            )
        case "ConfigParseError" | "ConfigNotFound" | "InvalidConfigError":
            return InvalidInput(
                f"The configuration of AWS cannot be read ({told.get('path', 'AWS_CONFIG_FILE')}).",
                "Correct that file, or unset AWS_CONFIG_FILE.",
            )
        case "ParamValidationError":
            return InvalidInput(
                "The name of the bucket is none of S3.",
                "Correct the s3:// URL in storage.lake_url or brains_url.",
            )
        case kind if "SSO" in kind or "Token" in kind or "CredentialRetrieval" in kind:
            return InvalidInput(
                f"The session of AWS cannot be used ({kind}).",
                "Log in again (aws sso login), then run again.",
            )
        case "ValueError" | "EndpointResolutionError" | "InvalidEndpointConfigurationError":
            return InvalidInput(
                "storage.s3_endpoint_url is no address of a server.",
                "Write http://host:port or https://host.",
            )
        case kind:
            return Unavailable(
                f"The client of S3 could not be made ({kind}).", "Check the AWS variables and ~/.aws."
            )


def _check_endpoint(url: str) -> None:
    """What is wrong is not shown: keys may stand in it."""
    remedy = "Write storage.s3_endpoint_url as http://host:port or https://host."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInput("storage.s3_endpoint_url is no address of a server.", remedy) from None
    if parts.scheme not in ("http", "https"):
        raise InvalidInput("storage.s3_endpoint_url has no scheme.", remedy)
    if parts.username or parts.password:
        raise InvalidInput(
            "storage.s3_endpoint_url holds a user or a password, which S3 does not take.",
            "Put the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    if not re.fullmatch(r"[A-Za-z0-9._-]+|[0-9a-fA-F:]+", parts.hostname or "") or port == 0:
        raise InvalidInput("storage.s3_endpoint_url is no address of a server.", remedy)
