"""The words that the rules of display names look for, as data.

Lists like these are never complete: they exist to catch what is declined most often, and what they
find is a warning. Words are case-folded, without accents.
"""

from __future__ import annotations


def _words(text: str, between: str | None = None) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(between))


#: Names of Meta's own platforms; a business may not borrow them. The short ones as whole words.
PLATFORMS = ("whatsapp", "whats app", "watsapp", "facebook", "instagram")
PLATFORM_WORDS = frozenset({"meta", "messenger", "threads", "fb"})

#: "Official" in the languages of many partners; the badge says that, never the name.
OFFICIAL = _words(
    "official oficial officiel officielle ufficiale offiziell offizielle officieel resmi"
)

#: Words of joining that say nothing by themselves.
JOINING = _words("a an and of the for in at by de da do la le el los las der die das und et y e &")

#: What any business might call itself or a part of it.
GENERIC = _words(
    """
    agency assistance auto bakery bank bar beauty booking bot brand business cafe care cars
    chat chatbot cleaning clinic clothing coffee company consulting contact customer demo dentist
    delivery department digital doctor education electronics event events fashion fitness flowers
    food furniture garden gift gifts group grocery gym hair health help helpdesk helpline hospital
    hotel info information insurance jewelry law lawyer loan loans marketing market media
    my news number office online order orders our perfume pharmacy pizza plus real estate repair
    restaurant sale sales salon school sell service services shop shopping spa sport sports store
    studio support taxi team tech technology test tests ticket tours tourism trading training
    transport travel university whole your
    ayuda empresa loja moda negocio padaria restaurante servicio servico soporte suporte tienda
    venda vendas ventas boutique entreprise magasin geschaft kundendienst laden
    """
)

#: Countries and large cities, by which nobody can be told apart.
PLACES = _words(
    """
    africa, america, asia, europe, argentina, australia, austria, bangladesh, belgium, brasil,
    brazil, canada, chile, china, colombia, egypt, england, france, germany, ghana, hong kong,
    india, indonesia, ireland, israel, italy, japan, kenya, malaysia, mexico, morocco,
    netherlands, new zealand, nigeria, pakistan, peru, philippines, poland, portugal,
    saudi arabia, singapore, south africa, spain, sri lanka, sweden, switzerland, thailand,
    turkey, uae, uk, united arab emirates, united kingdom, united states, usa, vietnam,
    abu dhabi, amsterdam, athens, bangalore, bangkok, barcelona, beijing, berlin, bogota,
    boston, brussels, buenos aires, cairo, cape town, casablanca, chennai, chicago, dallas,
    delhi, dhaka, doha, dubai, dublin, frankfurt, hamburg, houston, hyderabad, istanbul, jakarta,
    jeddah, johannesburg, karachi, kuala lumpur, lagos, lahore, lima, lisbon, london, los angeles,
    madrid, manila, melbourne, mexico city, miami, milan, montreal, moscow, mumbai, munich,
    nairobi, new delhi, new york, new york city, osaka, paris, porto, prague, rio de janeiro,
    riyadh, rome, san francisco, santiago, sao paulo, seattle, seoul, shanghai, sydney, taipei,
    tel aviv, tokyo, toronto, vancouver, vienna, warsaw, washington, zurich
    """,
    ",",
)

#: Forms of address; whoever is called so is a person.
TITLES = _words("mr mrs ms miss sir madam prof herr frau senor senora sr sra don dona")

#: Given names that are common where WhatsApp is.
GIVEN_NAMES = _words(
    """
    abdul abdullah aditya agus ahmad ahmed aisha alejandro alessandro alex alexander alexandra ali
    amit ana andrea andreas andrew anita anna anne anthony antonio arjun arun beatriz carlos carmen
    carol caroline catherine charles chinedu christian christine claudia daniel daniela david
    deepak diego dmitri eduardo elena elizabeth emily emma fatima felipe fernanda fernando
    francesco francisco gabriel george giulia giovanni hans hassan helen hussein ibrahim ines isabel
    ivan jack jacob james jan jane javier jean jennifer jessica joao john jonathan jorge jose joseph
    joshua juan julia juliana karen karim kevin khalid kumar laura linda lucas lucia luis luiz
    manuel marco marcos maria mariana marie mario mark marta martin mary matthew michael michelle
    miguel mohamed mohammed monica muhammad nadia natalia nicolas nina olga olivia omar pablo
    patricia patrick paul paula paulo pedro peter philip pierre priya rafael rahul rajesh ramon
    ravi rebecca ricardo richard robert roberto rosa ryan samuel sandra sanjay sara sarah sergio
    siti sofia sophie stefan stephen steven sunil susan teresa thomas tiago valentina vijay
    vincent wei william yusuf zainab
    """
)
