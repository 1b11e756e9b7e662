//! What to do in the API console before a login, in the console's own words.

use crate::cli::FlowName;
use crate::i18n::tr;
use crate::system::System;
use crate::zoho::DataCenter;

/// The API console's URL. That of a server that is not Zoho's is unknown.
pub(super) fn console(dc: Option<&DataCenter>) -> String {
    dc.map_or_else(|| tr!("the API console"), |dc| format!("https://{}", dc.console_host))
}

/// Explains where the client of `flow` comes from: from a registration, unless it exists already.
pub(super) fn show(system: &System, flow: FlowName, dc: Option<&DataCenter>, redirect_uri: &str) {
    let console = console(dc);
    let (kind, redirects) = match flow {
        FlowName::Browser | FlowName::Paste => ("Server-based Applications", true),
        FlowName::Device => ("Non-browser Applications", false),
        FlowName::SelfClient | FlowName::ClientCredentials => {
            system.say(&tr!("zoho-cred: open {console} and choose 'Self Client'", console));
            system.say(&tr!(
                "zoho-cred: every account has one Self Client; press CREATE if it is new, then open 'Client Secret'"
            ));
            return;
        }
        FlowName::RefreshToken => {
            system.say(&tr!("zoho-cred: open {console} and choose the client of the refresh token", console));
            return system.say(&tr!("zoho-cred: its page shows the Client ID and the Client Secret"));
        }
    };
    system.say(&tr!("zoho-cred: open {console} and choose '{kind}', then enter:", console, kind));
    let name = tr!("any name in English letters, such as MyZohoApp");
    system.say_as_it_is(&format!("  Client Name                {name}"));
    system.say_as_it_is("  Homepage URL               http://localhost");
    if redirects {
        system.say_as_it_is(&format!("  Authorized Redirect URIs   {redirect_uri}"));
    }
    system.say(&tr!("zoho-cred: press CREATE; the page then shows the Client ID and the Client Secret"));
}
