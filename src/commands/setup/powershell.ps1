# Save this as zoho.ps1, then: pwsh zoho.ps1
# Invoke-RestMethod with a fresh Zoho token: Invoke-Zoho URL. Needs PowerShell 7. Run as a script, it takes the URL.
param([string]$Uri = '{url}', [string]$ZohoProfile = '{profile}')

function Invoke-ZohoCred([string]$Verb, [string]$Token) {
    $output = if ($Token) { $Token | zoho-cred $Verb $ZohoProfile } else { zoho-cred $Verb $ZohoProfile }
    if ($LASTEXITCODE) { throw "zoho-cred $Verb failed" }
    $output
}

# If the token is dead, reports that and sends the request once more. A missing scope or another organization is also a 401 at
# some products. Another token would not help then.
function Invoke-Zoho([string]$Uri) {
    $send = {
        param($token)
        Invoke-RestMethod -Uri $Uri -Headers @{ Authorization = "Zoho-oauthtoken $token" } -MaximumRedirection 0
    }
    $token = Invoke-ZohoCred get
    try {
        & $send $token
    } catch [Microsoft.PowerShell.Commands.HttpResponseException] {
        $dead = [int]$_.Exception.Response.StatusCode -eq 401 -and "$($_.ErrorDetails)" -notmatch 'scope|org_mismatch'
        if (-not $dead) { throw }
        Invoke-ZohoCred reject $token
        $another = Invoke-ZohoCred get
        if ($another -eq $token) { throw }
        & $send $another
    }
}

# '. ./zoho.ps1' only defines the functions
if ($MyInvocation.InvocationName -ne '.') { Invoke-Zoho $Uri | ConvertTo-Json -Compress -Depth 9 }
